using System.Globalization;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>The commands that make an image: create and snapshot. Both print nothing when they succeed.</summary>
internal static class ImageCommands
{
    public const string CreateFlags = "n:s:rS:";
    public const string SnapshotFlags = "n:p:S:l:m:eb";

    private const long TwoMegabytes = 2 << 20;

    /// <summary>create -n F -s MB [-r] [-S MB]: an empty dynamic (-r: fixed) disk, its size rounded up to an even number of MB.</summary>
    public static int Create(Flags flags, TextWriter stdout)
    {
        var name = flags.Require('n');
        var size = RoundUp(flags.RequireSize('s'));
        var options = new VhdCreateOptions { Overwrite = true, MaxVirtualSize = flags.Size('S') };
        using var file = flags.Has('r') ? VhdFile.CreateFixed(name, size, options) : VhdFile.CreateDynamic(name, size, options);
        return 0;
    }

    /// <summary>
    /// snapshot -n CHILD -p PARENT [-e] [-S MB] [-l depth]: an empty child. Empty differencing parents are skipped unless -e is given.
    /// </summary>
    public static int Snapshot(Flags flags, TextWriter stdout)
    {
        var name = flags.Require('n');
        var parent = flags.Require('p');
        if (flags.Get('m') is not null)
        {
            // A raw parent is any file at all; the library reads none on purpose.
            stdout.WriteLine($"error opening {parent}: -{Errno.InvalidArgument}");
            return Errno.InvalidArgument;
        }

        try
        {
            parent = flags.Has('e') ? parent : FirstWithData(parent);
            if (flags.Get('l') is { } limit && Exceeds(parent, limit, out var depth))
            {
                stdout.WriteLine($"snapshot depth exceeded: current depth: {depth}, limit: {limit}");
                return Errno.NoSpace;
            }

            VhdFile.CreateDifferencing(name, parent, options: new VhdCreateOptions { Overwrite = true, MaxVirtualSize = flags.Size('S') }).Dispose();
            return 0;
        }
        catch (Exception failure) when (failure is VhdFormatException or FileNotFoundException)
        {
            stdout.WriteLine($"error opening {parent}: -{Errno.Of(failure)}");
            return Errno.Of(failure);
        }
    }

    private static long RoundUp(long bytes) => (bytes + TwoMegabytes - 1) / TwoMegabytes * TwoMegabytes;

    private static string FirstWithData(string path)
    {
        using var chain = VhdChain.Open(path);
        return chain.Files.First(file => file.Type != VhdType.Differencing || file.AllocatedBlocks > 0).Path;
    }

    private static bool Exceeds(string parent, string limit, out int depth)
    {
        if (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var most))
        {
            throw new UsageException($"-l is no depth: {limit}");
        }

        using var chain = VhdChain.Open(parent);
        depth = chain.Files.Count;
        return depth + 1 > most;
    }
}
