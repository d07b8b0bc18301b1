using NovaShim.Api.Requests;
using NovaShim.Compute.Flavors;

namespace NovaShim.Api.Flavors;

/// <summary>Makes the documents of flavors.</summary>
internal static class FlavorViews
{
    /// <summary>For the short list.</summary>
    public static FlavorView Short(ApiRequest request, FlavorDocument flavor) => new() { Id = flavor.FlavorId, Name = flavor.Name, Links = Links.Of(request, "flavors", flavor.FlavorId) };

    /// <summary>For detail, show and the answer to a create.</summary>
    public static FlavorView Full(ApiRequest request, FlavorDocument flavor) => Short(request, flavor) with
    {
        Ram = flavor.MemoryMb, Disk = flavor.RootGb, Vcpus = flavor.Vcpus, Swap = flavor.Swap == 0 ? "" : flavor.Swap, RxtxFactor = (decimal)flavor.RxtxFactor + 0.0m,
        Ephemeral = flavor.EphemeralGb, Disabled = false, IsPublic = flavor.IsPublic,
    };
}
