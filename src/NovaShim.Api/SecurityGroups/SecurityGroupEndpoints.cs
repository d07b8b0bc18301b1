using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;
using NovaShim.Compute.SecurityGroups;

namespace NovaShim.Api.SecurityGroups;

/// <summary>
/// Security groups and their rules, as Nova keeps them itself where there is no network service. They are kept, shown and put on servers; no driver filters traffic by them, as with Nova's firewall driver that does nothing.
/// </summary>
internal sealed class SecurityGroupEndpoints(SecurityGroupShelf groups, ServerSecurityGroups ofServers, ServerLookup lookup, RuleOfBody rules, Quotas quotas) : IComputeCapability
{
    private const int MaxText = 255;

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-security-groups", ListAsync);
        routes.OnPost("/os-security-groups", CreateAsync);
        routes.OnGet("/os-security-groups/{id}", async (request, cancellation) => await ShowAsync(await groups.RequireAsync(request, cancellation), cancellation));
        routes.OnPut("/os-security-groups/{id}", UpdateAsync);
        routes.OnDelete("/os-security-groups/{id}", async (request, cancellation) =>
        {
            await groups.RemoveAsync(await groups.RequireAsync(request, cancellation), cancellation);
            return Answer.Accepted;
        });
        routes.OnPost("/os-security-group-rules", CreateRuleAsync);
        routes.OnDelete("/os-security-group-rules/{id}", DeleteRuleAsync);
        routes.OnGet("/servers/{id}/os-security-groups", async (request, cancellation) =>
            await ShowAllAsync(await ofServers.OfAsync(await lookup.RequireAsync(request, cancellation), cancellation), cancellation));
    }

    private static string NameOf(BodyField field) => field.Text(MaxText) is var name && name.Trim().Length > 0 && !name.Any(char.IsControl) ? name : throw field.Invalid("Security group name cannot be empty.");

    private static string DescriptionOf(BodyField field) =>
        field.Text() is { Length: <= MaxText } description ? description : throw field.Invalid($"Security group description should not be greater than {MaxText} characters.");

    private static IEnumerable<int> Peers(IEnumerable<SecurityGroupRuleDocument> found) => found.Select(r => r.PeerGroupId).OfType<int>();

    private static SecurityGroupRuleView View(SecurityGroupRuleDocument rule, SecurityGroupDocument? peer) => new()
    {
        Id = rule.Id, ParentGroupId = rule.ParentGroupId, IpProtocol = rule.IpProtocol, FromPort = rule.FromPort, ToPort = rule.ToPort,
        Group = peer is null ? new PeerGroupView() : new PeerGroupView(peer.Name, peer.ProjectId), IpRange = new IpRangeView(rule.Cidr),
    };

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var limit = Paging.Of(request).Limit;
        var offset = request.QueryValue("offset") is not { } asked ? 0
            : int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given
            : throw Fault.BadRequest("offset param must be an integer that is not negative");
        var all = request.IsAdmin && request.QueryValue("all_tenants") is { } text && Texts.TryBoolean(text, out var wanted) && wanted;
        return await ShowAllAsync([.. (await groups.ListAsync(all ? null : request.ProjectId, cancellation)).Skip(offset).Take(limit)], cancellation);
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = (await request.BodyAsync("security_group", cancellation)).Only(request.Surface, "name", "description");
        var (name, description) = (NameOf(body.Require("name")), body.Get("description") is { IsObject: false } given ? DescriptionOf(given) : "");
        var most = (await quotas.LimitsOfAsync(request, cancellation)).SecurityGroups;
        return await ShowAsync(await groups.AddAsync(request, name, description, most, cancellation), cancellation);
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var group = await groups.RequireAsync(request, cancellation);
        var body = (await request.BodyAsync("security_group", cancellation)).Only(request.Surface, "name", "description");
        var name = body.Get("name") is { } asked ? NameOf(asked) : null;
        var description = body.Get("description") is { IsObject: false } given ? DescriptionOf(given) : null;
        return group.Name == SecurityGroupDocument.Default
            ? throw Fault.BadRequest($"Unable to update system group '{group.Name}'")
            : await ShowAsync(await groups.UpdateAsync(group, name, description, cancellation), cancellation);
    }

    private async Task<Answer> CreateRuleAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync("security_group_rule", cancellation);
        var most = (await quotas.LimitsOfAsync(request, cancellation)).SecurityGroupRules;
        var rule = await groups.AddAsync(request, await rules.ReadAsync(request, body, cancellation), most, cancellation);
        var peer = rule.PeerGroupId is { } id ? await groups.RequireAsync(request, id, cancellation) : null;
        return Answer.Of(new SecurityGroupRuleEnvelope(View(rule, peer)), ApiJson.Default.SecurityGroupRuleEnvelope);
    }

    private async Task<Answer> DeleteRuleAsync(ApiRequest request, CancellationToken cancellation)
    {
        var id = int.TryParse(request.Route("id"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var given) ? given : throw Fault.BadRequest("Security group rule id should be integer");
        await groups.RemoveAsync(await groups.FindRuleAsync(request, id, cancellation) ?? throw Fault.NotFound($"Security group with rule {id} not found."), cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> ShowAsync(SecurityGroupDocument group, CancellationToken cancellation) =>
        Answer.Of(new SecurityGroupEnvelope((await ViewsAsync([group], cancellation))[0]), ApiJson.Default.SecurityGroupEnvelope);

    private async Task<Answer> ShowAllAsync(IReadOnlyList<SecurityGroupDocument> shown, CancellationToken cancellation) =>
        Answer.Of(new SecurityGroupsEnvelope(await ViewsAsync(shown, cancellation)), ApiJson.Default.SecurityGroupsEnvelope);

    private async Task<IReadOnlyList<SecurityGroupView>> ViewsAsync(IReadOnlyList<SecurityGroupDocument> shown, CancellationToken cancellation)
    {
        var found = await groups.RulesOfAsync([.. shown.Select(g => g.Id)], cancellation);
        var peers = (await groups.FindAsync([.. found.SelectMany(Peers).Distinct()], cancellation)).ToDictionary(g => g.Id);
        return
        [
            .. shown.Select(g => new SecurityGroupView(
                g.Id, g.Name, g.Description, g.ProjectId,
                [.. found[g.Id].Where(r => r.PeerGroupId is not { } id || peers.ContainsKey(id)).Select(r => View(r, r.PeerGroupId is { } id ? peers[id] : null))])),
        ];
    }
}
