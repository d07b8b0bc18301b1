using NovaShim.Compute.Documents;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>A document with what the catalog's own have not: a unique index over values that may be null.</summary>
public sealed record Specimen : Document
{
    public static readonly DocumentKind Kind = new(typeof(Specimen), "specimens", [new DocumentIndex("specimens_serial", ["Serial", "Part.Slot"], Unique: true)]);

    public string? Serial { get; init; }

    public Part? Part { get; init; }
}

public sealed record Part(int? Slot, string Label);
