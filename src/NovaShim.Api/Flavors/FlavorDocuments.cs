using System.Text.Json.Serialization;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Flavors;

/// <summary>A flavor; everything but id, name and links is left out of the short list.</summary>
internal sealed record FlavorView
{
    /// <summary>The id users see.</summary>
    public required string Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>self and bookmark.</summary>
    public required IReadOnlyList<Link> Links { get; init; }

    /// <summary>Memory in MiB.</summary>
    public int? Ram { get; init; }

    /// <summary>Root disk in GiB.</summary>
    public int? Disk { get; init; }

    /// <summary>Virtual CPUs.</summary>
    public int? Vcpus { get; init; }

    /// <summary>Swap in MiB: a number, or "" for none, as Nova has it.</summary>
    public object? Swap { get; init; }

    /// <summary>Network share, written with its decimal point as Nova writes it.</summary>
    public decimal? RxtxFactor { get; init; }

    /// <summary>Ephemeral disk in GiB.</summary>
    [JsonPropertyName("OS-FLV-EXT-DATA:ephemeral")]
    public int? Ephemeral { get; init; }

    /// <summary>Whether no server may be built with it.</summary>
    [JsonPropertyName("OS-FLV-DISABLED:disabled")]
    public bool? Disabled { get; init; }

    /// <summary>Whether all tenants may use it.</summary>
    [JsonPropertyName("os-flavor-access:is_public")]
    public bool? IsPublic { get; init; }
}

/// <summary>One flavor.</summary>
internal sealed record FlavorEnvelope(FlavorView Flavor);

/// <summary>A page of flavors.</summary>
internal sealed record FlavorsEnvelope(IReadOnlyList<FlavorView> Flavors, IReadOnlyList<Link>? FlavorsLinks);

/// <summary>A flavor's extra specifications.</summary>
internal sealed record ExtraSpecsEnvelope(IReadOnlyDictionary<string, string> ExtraSpecs);

/// <summary>One of a flavor's extra specifications: its name and its value are the document.</summary>
internal sealed class ExtraSpecEnvelope : Dictionary<string, string>, IUnwrapped
{
    string IUnwrapped.XmlName => "extra_specs";
}

/// <summary>A tenant that may use a flavor.</summary>
internal sealed record FlavorAccessView(string FlavorId, string TenantId);

/// <summary>The tenants that may use a flavor.</summary>
internal sealed record FlavorAccessEnvelope(IReadOnlyList<FlavorAccessView> FlavorAccess);
