namespace NovaShim.Sdk;

/// <summary>A server as a driver needs to know it (a row of Nova's <c>instances</c>, without what is the API's business).</summary>
public sealed record Instance
{
    /// <summary>The server's UUID, in lower case with hyphens.</summary>
    public required string Uuid { get; init; }

    /// <summary>Nova's instance name, unique and made of <c>[a-z0-9-]</c> only (<c>instance-0000002a</c>): safe as a file or VM name.</summary>
    public required string Name { get; init; }

    /// <summary>The name the user gave. Arbitrary text: quotes, newlines and slashes included; never hand it to a shell.</summary>
    public required string DisplayName { get; init; }

    /// <summary>The tenant that owns the server.</summary>
    public required string ProjectId { get; init; }

    /// <summary>The user who created the server.</summary>
    public required string UserId { get; init; }

    /// <summary>The flavor the server has now (during a resize: the old one until the new VM is proven).</summary>
    public required Flavor Flavor { get; init; }

    /// <summary>The user's metadata. Arbitrary text.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}
