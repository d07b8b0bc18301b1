namespace NovaShim.Vhd;

/// <summary>A stretch of the disk, in bytes.</summary>
public readonly record struct VhdExtent(long Offset, long Length);

/// <summary>How far, from some offset on, an image's own data is all there or all missing.</summary>
internal readonly record struct VhdRun(long Length, bool Present)
{
    /// <summary>The stretches whose data is there, in order, of a disk of <paramref name="size"/> bytes; <paramref name="at"/> tells the run at an offset, never an empty one.</summary>
    public static IEnumerable<VhdExtent> PresentOf(long size, Func<long, VhdRun> at)
    {
        var start = -1L;
        for (var offset = 0L; offset < size;)
        {
            var run = at(offset);
            if (run.Present && start < 0)
            {
                start = offset;
            }
            else if (!run.Present && start >= 0)
            {
                yield return new VhdExtent(start, offset - start);
                start = -1;
            }

            offset += run.Length;
        }

        if (start >= 0)
        {
            yield return new VhdExtent(start, size - start);
        }
    }
}
