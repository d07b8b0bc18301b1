namespace NovaShim.Sdk;

/// <summary>A file that a user wants to find in the server's file system (Nova's <c>personality</c>).</summary>
/// <param name="Path">Where, as the guest sees it. Arbitrary text of the user's: never hand it to a shell.</param>
/// <param name="Contents">What is in it. May be a secret: never log it.</param>
public sealed record InjectedFile(string Path, ReadOnlyMemory<byte> Contents);
