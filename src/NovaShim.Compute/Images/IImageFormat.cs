namespace NovaShim.Compute.Images;

/// <summary>Looks into the files of one disk format before they become images. A format nobody has registered is taken as it comes.</summary>
public interface IImageFormat
{
    /// <summary>The format's name: <c>vhd</c>.</summary>
    string DiskFormat { get; }

    /// <summary>The size in bytes of the disk in a file. Throws <see cref="InvalidImageException"/> saying what is wrong with one that no server can be built from.</summary>
    long VirtualSizeOf(string file, CancellationToken cancellation);
}
