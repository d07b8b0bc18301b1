using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>query -n F with -v -s -p -f -m -d -a -S in any mix: the answers come in this order, whatever the flags' order.</summary>
internal static class QueryCommand
{
    public const string Flags = "n:vspfmdaSu";

    public static int Run(Flags flags, TextWriter stdout)
    {
        using var file = VhdFile.Open(flags.Require('n'));
        var result = 0;
        if (flags.Has('v'))
        {
            stdout.WriteLine(file.VirtualSize >> 20);
        }

        if (flags.Has('s'))
        {
            stdout.WriteLine(file.PhysicalUtilisation);
        }

        if (flags.Has('p'))
        {
            result = Parent(flags, file, stdout);
        }

        if (flags.Has('f'))
        {
            stdout.WriteLine($"hidden: {(file.Hidden ? 1 : 0)}");
        }

        if (flags.Has('m'))
        {
            stdout.WriteLine($"marker: {file.Marker}");
        }

        if (flags.Has('d') && Depth(file, stdout) is not 0 and var depthResult)
        {
            result = result == 0 ? depthResult : result;
        }

        if (flags.Has('a'))
        {
            stdout.WriteLine(file.AllocatedBlocks);
        }

        if (flags.Has('S'))
        {
            stdout.WriteLine(file.FastResizeLimit >> 20);
        }

        return result;
    }

    /// <summary>The parent's absolute path, or with -u the path as it is stored.</summary>
    private static int Parent(Flags flags, VhdFile file, TextWriter stdout)
    {
        if (file.Type != VhdType.Differencing)
        {
            stdout.WriteLine($"{flags.Get('n')} has no parent");
            return 0;
        }

        if ((flags.Has('u') ? file.ParentLocator : file.FindParent()) is { } parent)
        {
            stdout.WriteLine(parent);
            return 0;
        }

        stdout.WriteLine("query failed");
        return Errno.NoSuchFile;
    }

    private static int Depth(VhdFile file, TextWriter stdout)
    {
        try
        {
            using var chain = VhdChain.Open(file.Path);
            stdout.WriteLine($"chain depth: {chain.Files.Count}");
            return 0;
        }
        catch (VhdFormatException broken)
        {
            stdout.WriteLine($"error calculating depth: -{Errno.Of(broken)}");
            return Errno.Of(broken);
        }
    }
}
