using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.ServerGroups;

namespace NovaShim.Api.ServerGroups;

/// <summary>Server groups: list, make, show, remove. A server joins one when it is created, by a hint.</summary>
internal sealed class ServerGroupEndpoints(ServerGroupShelf groups, HintedHosts hosts, Quotas quotas) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-server-groups", ListAsync);
        routes.OnPost("/os-server-groups", CreateAsync);
        routes.OnGet("/os-server-groups/{id}", async (request, cancellation) =>
        {
            var group = await groups.RequireAsync(request, cancellation);
            return Show(group, (await hosts.MembersAsync([group.Key], cancellation))[group.Key]);
        });
        routes.OnDelete("/os-server-groups/{id}", async (request, cancellation) =>
        {
            await groups.RemoveAsync((await groups.RequireAsync(request, cancellation)).Key, cancellation);
            return Answer.NoContent;
        });
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var limit = Paging.Of(request).Limit;
        var offset = request.QueryValue("offset") is not { } asked ? 0
            : int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given
            : throw Fault.BadRequest("offset param must be an integer that is not negative");
        var found = (await groups.ListAsync(request.IsAdmin && request.Query.ContainsKey("all_projects") ? null : request.ProjectId, cancellation)).Skip(offset).Take(limit).ToList();
        var members = await hosts.MembersAsync([.. found.Select(g => g.Key)], cancellation);
        return Answer.Of(new ServerGroupsEnvelope([.. found.Select(g => View(g, members[g.Key]))]), ApiJson.Default.ServerGroupsEnvelope);
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        (await request.BodyAsync(cancellation)).Only(request.Surface, "server_group");
        var body = (await request.BodyAsync("server_group", cancellation)).Only(request.Surface, "name", "policies");
        var name = body.Require("name").NameText(request.Surface);
        var policies = body.Require("policies");
        var policy = policies.Items() is [var only] && only.Text() is (ServerGroupDocument.Affinity or ServerGroupDocument.AntiAffinity) and var known
            ? known
            : throw policies.Invalid("one policy is expected, affinity or anti-affinity");
        var group = new ServerGroupDocument { Key = Guid.NewGuid().ToString(), Name = name, ProjectId = request.ProjectId, UserId = request.Context.UserId, Policy = policy };
        var most = (await quotas.LimitsOfAsync(request, cancellation)).ServerGroups;
        return await groups.AddAsync(group, most, cancellation) ? Show(group, []) : throw Fault.OverQuota(request.Surface, "Quota exceeded, too many server groups.");
    }

    private static Answer Show(ServerGroupDocument group, IEnumerable<string> members) => Answer.Of(new ServerGroupEnvelope(View(group, members)), ApiJson.Default.ServerGroupEnvelope);

    private static ServerGroupView View(ServerGroupDocument group, IEnumerable<string> members) => new(group.Key, group.Name, [group.Policy], [.. members], new Dictionary<string, string>());
}
