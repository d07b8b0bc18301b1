using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.RateLimits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.SecurityGroups;
using NovaShim.Api.ServerGroups;
using NovaShim.Api.Servers;

namespace NovaShim.Api.Limits;

/// <summary>What a tenant may have and has. An administrator asks for another's by <c>tenant_id</c>.</summary>
internal sealed class LimitEndpoints(Quotas quotas, ServerGroupShelf groups, SecurityGroupShelf securityGroups, RateLimiter rates) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes) => routes.OnGet("/limits", LimitsAsync);

    private async Task<Answer> LimitsAsync(ApiRequest request, CancellationToken cancellation)
    {
        var project = request.QueryValue("tenant_id") ?? request.ProjectId;
        if (project != request.ProjectId && !request.IsAdmin)
        {
            throw Fault.Forbidden("Another tenant's limits are its own affair.");
        }

        var limits = await quotas.LimitsOfAsync(project, null, cancellation);
        var used = await quotas.UsedByAsync(project, cancellation);
        return Answer.Of(
            new LimitsEnvelope(new LimitsDocument(RatesOf(request), new AbsoluteLimits
            {
                MaxTotalInstances = limits.Instances, MaxTotalCores = limits.Cores, MaxTotalRamSize = limits.Ram, MaxServerMeta = limits.MetadataItems, MaxImageMeta = limits.MetadataItems,
                MaxPersonality = limits.InjectedFiles, MaxPersonalitySize = limits.InjectedFileContentBytes, MaxTotalKeypairs = limits.KeyPairs, MaxTotalFloatingIps = limits.FloatingIps,
                MaxSecurityGroups = limits.SecurityGroups, MaxSecurityGroupRules = limits.SecurityGroupRules, MaxServerGroups = limits.ServerGroups,
                MaxServerGroupMembers = limits.ServerGroupMembers, TotalInstancesUsed = used.Instances, TotalCoresUsed = used.Cores, TotalRamUsed = used.Ram,
                TotalSecurityGroupsUsed = await securityGroups.CountAsync(project, cancellation), TotalServerGroupsUsed = await groups.CountAsync(project, null, cancellation),
            })),
            ApiJson.Default.LimitsEnvelope);
    }

    private IReadOnlyList<RateLimitsView> RatesOf(ApiRequest request) =>
    [
        .. rates.StandingsOf(request.Context.UserId, request.Surface).GroupBy(s => (s.Limit.Uri, Regex: s.Limit.Regex.ToString())).Select(g => new RateLimitsView(
            g.Key.Uri, g.Key.Regex, [.. g.Select(s => new RateLimitView(s.Limit.Verb, s.Limit.Value, s.Remaining, s.Limit.Unit.ToString().ToUpperInvariant(), Texts.Moment(s.NextAvailable)))])),
    ];
}
