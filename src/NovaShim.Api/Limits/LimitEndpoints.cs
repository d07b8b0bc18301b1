using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.RateLimits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Limits;

/// <summary>Limits and quotas, to be read.</summary>
internal sealed class LimitEndpoints(Quotas quotas, RateLimiter rates) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/limits", LimitsAsync);
        routes.OnGet("/os-quota-sets/{project_id}", (request, _) => Task.FromResult(QuotaSet(request)));
        routes.OnGet("/os-quota-sets/{project_id}/defaults", (request, _) => Task.FromResult(QuotaSet(request)));
    }

    private async Task<Answer> LimitsAsync(ApiRequest request, CancellationToken cancellation)
    {
        var used = await quotas.UsedByAsync(request.ProjectId, cancellation);
        return Answer.Of(
            new LimitsEnvelope(new LimitsDocument(RatesOf(request), new AbsoluteLimits
            {
                MaxTotalInstances = quotas.Limits.Instances, MaxTotalCores = quotas.Limits.Cores, MaxTotalRamSize = quotas.Limits.Ram,
                MaxServerMeta = quotas.Limits.MetadataItems,
                MaxImageMeta = quotas.Limits.MetadataItems, MaxPersonality = quotas.Limits.InjectedFiles, MaxPersonalitySize = quotas.Limits.InjectedFileContentBytes,
                MaxTotalKeypairs = quotas.Limits.KeyPairs, TotalInstancesUsed = used.Instances, TotalCoresUsed = used.Cores, TotalRamUsed = used.Ram,
            })),
            ApiJson.Default.LimitsEnvelope);
    }

    private IReadOnlyList<RateLimitsView> RatesOf(ApiRequest request) =>
    [
        .. rates.StandingsOf(request.Context.UserId, request.Surface).GroupBy(s => (s.Limit.Uri, Regex: s.Limit.Regex.ToString())).Select(g => new RateLimitsView(
            g.Key.Uri, g.Key.Regex, [.. g.Select(s => new RateLimitView(s.Limit.Verb, s.Limit.Value, s.Remaining, s.Limit.Unit.ToString().ToUpperInvariant(), Texts.Moment(s.NextAvailable)))])),
    ];

    private Answer QuotaSet(ApiRequest request)
    {
        var project = request.Route("project_id");
        return project == request.ProjectId || request.IsAdmin
            ? Answer.Of(new QuotaSetEnvelope(new QuotaSet(project, quotas.Limits.Instances, quotas.Limits.Cores, quotas.Limits.Ram, quotas.Limits.MetadataItems)), ApiJson.Default.QuotaSetEnvelope)
            : throw Fault.Forbidden("Another tenant's quotas are its own affair.");
    }
}
