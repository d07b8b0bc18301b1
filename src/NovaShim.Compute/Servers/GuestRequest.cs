using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>What a build, rebuild, rescue or change of password puts into the guest and nothing else needs to know: kept with the work, and dropped with it.</summary>
public sealed record GuestRequest
{
    /// <summary>The administrator's password.</summary>
    public string? AdminPassword { get; init; }

    /// <summary>The files (Nova's <c>personality</c>).</summary>
    public IReadOnlyList<GuestFile> Files { get; init; } = [];

    /// <summary>Nothing of what it holds, which is secret.</summary>
    public override string ToString() => nameof(GuestRequest);

    /// <summary>The files as drivers are given them.</summary>
    public IReadOnlyList<InjectedFile> ToInjectedFiles() => [.. Files.Select(f => new InjectedFile(f.Path, Convert.FromBase64String(f.Contents)))];
}

/// <summary>A file to be put into a guest.</summary>
/// <param name="Path">Its path in the guest, as the user wrote it.</param>
/// <param name="Contents">What it holds, in base64.</param>
public sealed record GuestFile(string Path, string Contents);
