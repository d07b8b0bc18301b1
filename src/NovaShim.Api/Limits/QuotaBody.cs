using NovaShim.Api.Requests;
using NovaShim.Compute.Quotas;

namespace NovaShim.Api.Limits;

/// <summary>Quotas by resource, as bodies have them.</summary>
internal static class QuotaBody
{
    /// <summary>The limits that a body sets: -1 or more. Today's surface refuses what is no resource and none of the <paramref name="others"/>, those of 2011 pass it over.</summary>
    public static IReadOnlyDictionary<string, int> LimitsOf(ApiRequest request, BodyField body, params string[] others)
    {
        body.Only(request.Surface, [.. QuotaResources.All, .. request.IsLegacy ? others : others.Where(o => o == "force")]);
        return QuotaResources.All.Select(r => (Resource: r, Field: body.Get(r))).Where(r => r.Field is { IsEmpty: false }).ToDictionary(r => r.Resource, r => r.Field!.Value.Integer(-1));
    }

    /// <summary>A set to be shown.</summary>
    public static IReadOnlyDictionary<string, object> SetOf(string? id, IReadOnlyDictionary<string, int> limits)
    {
        var set = new Dictionary<string, object>();
        if (id is not null)
        {
            set["id"] = id;
        }

        foreach (var resource in QuotaResources.All)
        {
            set[resource] = limits[resource];
        }

        return set;
    }
}
