using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.SecurityGroups;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers.Actions;

/// <summary>A server joins a security group, or leaves one.</summary>
internal sealed class SecurityGroupActions(ServerLookup lookup, ServerSecurityGroups groups) : IServerActions
{
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("addSecurityGroup", (request, body, cancellation) => ChangeAsync(request, body, groups.AddAsync, cancellation)),
        ("removeSecurityGroup", (request, body, cancellation) => ChangeAsync(request, body, groups.RemoveAsync, cancellation)),
    ];

    private async Task<Answer> ChangeAsync(ApiRequest request, BodyField body, Func<InstanceDocument, string, CancellationToken, Task> change, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var name = body.RequireObject().Require("name").Text();
        await change(instance, name.Trim().Length > 0 ? name : throw Fault.BadRequest($"Security group name cannot be empty: {body.Name}.name"), cancellation);
        return Answer.Accepted;
    }
}
