namespace NovaShim.Compute.Servers;

/// <summary>What a user asks for when rebuilding a server; every value has been checked by the API. Null: as it is.</summary>
public sealed record RebuildServer
{
    /// <summary>The image's UUID.</summary>
    public required string ImageRef { get; init; }

    /// <summary>The administrator's password of the guest, and the files to be put into it.</summary>
    public required GuestRequest Guest { get; init; }

    /// <summary>Its name.</summary>
    public string? Name { get; init; }

    /// <summary>All of its metadata.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary><c>AUTO</c> or <c>MANUAL</c>.</summary>
    public string? DiskConfig { get; init; }

    /// <summary>The user's IPv4 address of access, as written.</summary>
    public string? AccessIpV4 { get; init; }

    /// <summary>The user's IPv6 address of access, as written.</summary>
    public string? AccessIpV6 { get; init; }
}
