namespace NovaShim.Vhd;

/// <summary>What may be set when an image is made.</summary>
public sealed record VhdCreateOptions
{
    internal static readonly VhdCreateOptions Default = new();

    /// <summary>The image's uuid; random when null.</summary>
    public Guid? Uuid { get; init; }

    /// <summary>Where the creation time comes from.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Room in the block allocation table for growing to this many bytes without moving it; null for none beyond the size.</summary>
    public long? MaxVirtualSize { get; init; }

    /// <summary>Replaces an existing file (in one step, once the new one is complete) instead of refusing.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether the image is a base copy from the start.</summary>
    public bool Hidden { get; init; }
}
