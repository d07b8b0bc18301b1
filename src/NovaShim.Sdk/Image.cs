namespace NovaShim.Sdk;

/// <summary>An image a server is built from, with a way to read it.</summary>
public sealed record Image
{
    /// <summary>The image's UUID.</summary>
    public required string Id { get; init; }

    /// <summary>The image's name. Arbitrary text.</summary>
    public required string Name { get; init; }

    /// <summary>Format of the bytes: <c>vhd</c> or <c>raw</c>.</summary>
    public required string DiskFormat { get; init; }

    /// <summary>Length of the file in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>What else is said about the image, under Nova's names, such as <c>xenapi_use_agent</c>. Arbitrary text.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>Opens the image for one reading from its start. The caller disposes the stream.</summary>
    public required Func<CancellationToken, Task<Stream>> OpenRead { get; init; }
}
