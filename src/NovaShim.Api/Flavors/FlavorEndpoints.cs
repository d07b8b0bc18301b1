using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Flavors;

namespace NovaShim.Api.Flavors;

/// <summary>Flavors: list, detail, show. Whoever is no administrator sees the public ones.</summary>
internal sealed class FlavorEndpoints(IDocumentStore store) : IComputeCapability
{
    private IDocumentCollection<FlavorDocument> Flavors => store.Collection<FlavorDocument>();

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/flavors", (request, cancellation) => ListAsync(request, detailed: false, cancellation));
        routes.OnGet("/flavors/detail", (request, cancellation) => ListAsync(request, detailed: true, cancellation));
        routes.OnGet("/flavors/{id}", async (request, cancellation) =>
            Answer.Of(new FlavorEnvelope(View(request, await FindAsync(request, cancellation), detailed: true)), ApiJson.Default.FlavorEnvelope));
        routes.OnGet("/flavors/{id}/os-extra_specs", async (request, cancellation) =>
        {
            await FindAsync(request, cancellation);
            return Answer.Of(new ExtraSpecsEnvelope(new Dictionary<string, string>()), ApiJson.Default.ExtraSpecsEnvelope);
        });
    }

    /// <summary>A flavor the user may use, by the id that users see; null when there is none.</summary>
    public async Task<FlavorDocument?> FindAsync(string flavorId, bool isAdmin, CancellationToken cancellation) =>
        await Flavors.FirstOrDefaultAsync(f => f.FlavorId == flavorId, cancellation) is { } found && (found.IsPublic || isAdmin) ? found : null;

    private async Task<FlavorDocument> FindAsync(ApiRequest request, CancellationToken cancellation) =>
        await FindAsync(request.Route("id"), request.IsAdmin, cancellation) ?? throw Fault.NotFound($"Flavor {request.Route("id")} could not be found.");

    private async Task<Answer> ListAsync(ApiRequest request, bool detailed, CancellationToken cancellation)
    {
        var paging = Paging.Of(request);
        var leastRam = Least(request, "minRam");
        var leastDisk = Least(request, "minDisk");
        var visible = WhichVisible(request);
        var found = (await Flavors.WhereAsync(f => f.MemoryMb >= leastRam && f.RootGb >= leastDisk, cancellation))
            .Where(f => visible is null || f.IsPublic == visible)
            .OrderBy(f => f.FlavorId, StringComparer.Ordinal).ToList();
        if (paging.Marker is { } marker)
        {
            var at = found.FindIndex(f => f.FlavorId == marker);
            if (at < 0 && await FindAsync(marker, request.IsAdmin, cancellation) is null)
            {
                throw Paging.MarkerNotFound(marker);
            }

            found = [.. found.Where(f => string.CompareOrdinal(f.FlavorId, marker) > 0)];
        }

        var page = found.Take(paging.Limit).ToList();
        return Answer.Of(
            new FlavorsEnvelope([.. page.Select(f => View(request, f, detailed))], paging.NextLinks(request, page.Count, page.LastOrDefault()?.FlavorId)), ApiJson.Default.FlavorsEnvelope);
    }

    /// <summary>
    /// Whether public or private ones are wanted; null: both. <c>is_public=None</c> is what clients send for both; only administrators have the choice.
    /// </summary>
    private static bool? WhichVisible(ApiRequest request) => (request.IsAdmin, request.QueryValue("is_public")) switch
    {
        (false, _) or (_, null) => true,
        (_, var both) when both.Equals("none", StringComparison.OrdinalIgnoreCase) => null,
        (_, var asked) => Texts.TryBoolean(asked, out var value) ? value : throw Fault.BadRequest($"Invalid is_public filter [{asked}]"),
    };

    private static int Least(ApiRequest request, string name) =>
        request.QueryValue(name) is not { } text ? 0
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var least) ? least
        : throw Fault.BadRequest($"Invalid {name} filter [{text}]");

    private static FlavorView View(ApiRequest request, FlavorDocument flavor, bool detailed)
    {
        var view = new FlavorView { Id = flavor.FlavorId, Name = flavor.Name, Links = Links.Of(request, "flavors", flavor.FlavorId) };
        return !detailed ? view : view with
        {
            Ram = flavor.MemoryMb, Disk = flavor.RootGb, Vcpus = flavor.Vcpus, Swap = flavor.Swap == 0 ? "" : flavor.Swap, RxtxFactor = (decimal)flavor.RxtxFactor + 0.0m,
            Ephemeral = flavor.EphemeralGb, Disabled = false, IsPublic = flavor.IsPublic,
        };
    }
}
