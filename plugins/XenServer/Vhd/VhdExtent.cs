namespace NovaShim.Vhd;

/// <summary>A stretch of the disk, in bytes.</summary>
public readonly record struct VhdExtent(long Offset, long Length);

/// <summary>How far, from some offset on, an image's own data is all there or all missing.</summary>
internal readonly record struct VhdRun(long Length, bool Present);
