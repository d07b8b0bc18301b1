using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Flavors;

namespace NovaShim.Api.Flavors;

/// <summary>Flavors, to be read: list, detail, show. What changes them is in <see cref="FlavorManagement"/>.</summary>
internal sealed class FlavorEndpoints(FlavorShelf flavors) : IComputeCapability
{
    /// <summary>What a list may be ordered by, in Nova's names of columns.</summary>
    private static readonly Dictionary<string, Func<FlavorDocument, IComparable?>> Columns = new(StringComparer.Ordinal)
    {
        ["flavorid"] = f => f.FlavorId, ["name"] = f => f.Name, ["id"] = f => f.Id, ["memory_mb"] = f => f.MemoryMb, ["vcpus"] = f => f.Vcpus, ["root_gb"] = f => f.RootGb,
        ["ephemeral_gb"] = f => f.EphemeralGb, ["swap"] = f => f.Swap, ["rxtx_factor"] = f => f.RxtxFactor, ["is_public"] = f => f.IsPublic, ["created_at"] = f => f.CreatedAt,
        ["updated_at"] = f => f.UpdatedAt,
    };

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/flavors", (request, cancellation) => ListAsync(request, FlavorViews.Short, cancellation));
        routes.OnGet("/flavors/detail", (request, cancellation) => ListAsync(request, FlavorViews.Full, cancellation));
        routes.OnGet("/flavors/{id}", async (request, cancellation) =>
            Answer.Of(new FlavorEnvelope(FlavorViews.Full(request, await flavors.RequireAsync(request, cancellation))), ApiJson.Default.FlavorEnvelope));
    }

    private async Task<Answer> ListAsync(ApiRequest request, Func<ApiRequest, FlavorDocument, FlavorView> view, CancellationToken cancellation)
    {
        var paging = Paging.Of(request);
        var visible = WhichVisible(request);
        var found = (await flavors.ListAsync(Least(request, "minRam"), Least(request, "minDisk"), cancellation)).Where(visible).ToList();
        found.Sort(Order(request));
        if (paging.Marker is { } marker)
        {
            // A flavor that the filters leave out is no less a place in the list.
            var last = await flavors.FindAsync(request, marker, cancellation) ?? throw Paging.MarkerNotFound(marker);
            var order = Order(request);
            found = [.. found.Where(f => order(f, last) > 0)];
        }

        var page = found.Take(paging.Limit).ToList();
        return Answer.Of(
            new FlavorsEnvelope([.. page.Select(f => view(request, f))], paging.NextLinks(request, page.Count, page.LastOrDefault()?.FlavorId)), ApiJson.Default.FlavorsEnvelope);
    }

    /// <summary>By flavor id, or as <c>sort_key</c> and <c>sort_dir</c> ask; equals by their number, so that pages have no holes.</summary>
    private static Comparison<FlavorDocument> Order(ApiRequest request)
    {
        var key = request.QueryValue("sort_key") ?? "flavorid";
        var column = Columns.GetValueOrDefault(key) ?? throw Fault.BadRequest($"Invalid sort_key [{key}]: it is none of {string.Join(", ", Columns.Keys)}");
        var sign = (request.QueryValue("sort_dir") ?? "asc") switch
        {
            "asc" => 1,
            "desc" => -1,
            var other => throw Fault.BadRequest($"Invalid sort_dir [{other}]: asc or desc is expected"),
        };
        return (a, b) => sign * (Compare(column(a), column(b)) is var order and not 0 ? order : a.Id.CompareTo(b.Id));
    }

    private static int Compare(IComparable? a, IComparable? b) => (a, b) is (string x, string y) ? string.CompareOrdinal(x, y) : Comparer<IComparable>.Default.Compare(a, b);

    /// <summary>
    /// Whoever is no administrator sees what its tenant may use. An administrator chooses with <c>is_public</c>: true, which is also what nothing means, false, or None for
    /// all of them.
    /// </summary>
    private static Func<FlavorDocument, bool> WhichVisible(ApiRequest request)
    {
        var asked = request.IsAdmin ? request.QueryValue("is_public") ?? "true" : "true";
        return asked.Equals("none", StringComparison.OrdinalIgnoreCase) ? _ => true
            : !Texts.TryBoolean(asked, out var isPublic) ? throw Fault.BadRequest($"Invalid is_public filter [{asked}]")
            : isPublic ? f => f.IsFor(request.ProjectId)
            : f => !f.IsPublic;
    }

    /// <summary>The least of something that is wanted. 2011 passed over what is no number.</summary>
    private static int Least(ApiRequest request, string name) =>
        request.QueryValue(name) is not { } text ? 0
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var least) ? least
        : request.IsLegacy ? 0
        : throw Fault.BadRequest($"Invalid {name} filter [{text}]");
}
