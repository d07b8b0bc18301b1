using System.Buffers;

namespace NovaShim.Vhd;

/// <summary>Merges a child's data into its parent, so that the parent alone holds what the two held together.</summary>
public static class VhdCoalesce
{
    private const int BufferSize = 1 << 20;

    /// <summary>
    /// Writes the child's own data into its parent, which grows to the child's size where it is smaller. The child stays as it is, and
    /// reads the same all the while, so that this may be killed and run again; nothing is relinked.
    /// </summary>
    /// <param name="path">The child.</param>
    /// <param name="progress">Told the bytes merged so far.</param>
    /// <returns>Sectors merged.</returns>
    /// <exception cref="InvalidOperationException">The image has no parent.</exception>
    /// <exception cref="VhdFormatException">Child or parent is broken, or the parent missing.</exception>
    public static long Run(string path, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        using var child = VhdFile.Open(path);
        using var parent = child.OpenParent(VhdAccess.ReadWrite);
        return Run(child, parent, progress, cancellationToken);
    }

    /// <summary>As <see cref="Run(string, IProgress{long}?, CancellationToken)"/>, with both open already, the parent for writing.</summary>
    public static long Run(VhdFile child, VhdFile parent, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        if (parent.VirtualSize < child.VirtualSize)
        {
            parent.Resize(child.VirtualSize);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        var merged = 0L;
        try
        {
            foreach (var extent in child.Extents())
            {
                for (var done = 0L; done < extent.Length;)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var part = buffer.AsSpan(0, (int)Math.Min(BufferSize, extent.Length - done));
                    child.Read(extent.Offset + done, part);
                    parent.Write(extent.Offset + done, part);
                    done += part.Length;
                    merged += part.Length;
                    progress?.Report(merged);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        parent.Flush();
        return merged / VhdLayout.Sector;
    }
}
