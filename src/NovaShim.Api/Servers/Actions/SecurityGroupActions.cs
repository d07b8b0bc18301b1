using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers.Actions;

/// <summary>Security groups of a server. There is one group, which every server is in: nothing can be added and nothing removed.</summary>
internal sealed class SecurityGroupActions(ServerLookup lookup) : IServerActions
{
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("addSecurityGroup", (request, body, cancellation) => RefuseAsync(request, body, "is already associated with the instance", cancellation)),
        ("removeSecurityGroup", (request, body, cancellation) => RefuseAsync(request, body, "cannot be removed from the instance", cancellation)),
    ];

    private async Task<Answer> RefuseAsync(ApiRequest request, BodyField body, string why, CancellationToken cancellation)
    {
        var instance = await lookup.RequireAsync(request, cancellation);
        var name = body.RequireObject().Require("name").Text();
        throw name.Trim().Length == 0 ? Fault.BadRequest($"Security group name cannot be empty: {body.Name}.name")
            : name == "default" ? Fault.BadRequest($"Security group {name} {why} {instance.Uuid}")
            : Fault.NotFound($"Security group {name} not found for project {instance.ProjectId}.");
    }
}
