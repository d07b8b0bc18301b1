using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>The commands that change an image: modify, set, coalesce, resize, repair.</summary>
internal static class ChangeCommands
{
    public const string ModifyFlags = "n:p:";
    public const string SetFlags = "n:f:v:";
    public const string CoalesceFlags = "n:sp";
    public const string ResizeFlags = "n:s:j:f";
    public const string RepairFlags = "n:";

    /// <summary>modify -n F -p NEWPARENT: links F to another parent. Prints nothing when it succeeds.</summary>
    public static int Modify(Flags flags, TextWriter stdout)
    {
        using var file = VhdFile.Open(flags.Require('n'), VhdAccess.ReadWrite);
        var parent = flags.Require('p');
        try
        {
            file.SetParent(parent);
            return 0;
        }
        catch (Exception failure) when (failure is IOException or InvalidOperationException or ArgumentException or UnauthorizedAccessException)
        {
            stdout.WriteLine($"failed to set parent to '{parent}': -{Errno.Of(failure)}");
            return Errno.Of(failure);
        }
    }

    /// <summary>set -n F -f hidden -v 0|1.</summary>
    public static int Set(Flags flags, TextWriter stdout)
    {
        var field = flags.Require('f');
        var value = flags.Require('v');
        if (field != "hidden" || value is not ("0" or "1"))
        {
            throw new UsageException($"no field {field} that could be {value}");
        }

        using var file = VhdFile.Open(flags.Require('n'), VhdAccess.ReadWrite);
        file.SetHidden(value == "1");
        return 0;
    }

    /// <summary>coalesce -n F: merges F into its parent and says how much it was. Relinks nothing.</summary>
    public static int Coalesce(Flags flags, TextWriter stdout)
    {
        // -s (sparse) and -p (progress) ask for how, not what: the result is the same.
        stdout.Write($"Coalesced {VhdCoalesce.Run(flags.Require('n'))} sectors");
        return 0;
    }

    /// <summary>resize -n F -s MB -j JOURNAL, or -f to grow only as far as the block allocation table reaches.</summary>
    public static int Resize(Flags flags, TextWriter stdout)
    {
        var size = flags.RequireSize('s');
        if (!flags.Has('f'))
        {
            // The library grows without a journal, and stays whole when it is killed; the flag is asked for because the real one does.
            flags.Require('j');
        }

        using var file = VhdFile.Open(flags.Require('n'), VhdAccess.ReadWrite);
        if (size < file.VirtualSize)
        {
            stdout.WriteLine("dynamic shrink not fully implemented");
            return Failed(Errno.NotImplemented, stdout);
        }

        if (flags.Has('f') && file.Type != VhdType.Fixed && size > file.FastResizeLimit)
        {
            return Failed(Errno.InvalidArgument, stdout);
        }

        try
        {
            file.Resize(size);
            return 0;
        }
        catch (Exception failure) when (failure is IOException or ArgumentException)
        {
            return Failed(Errno.Of(failure), stdout);
        }
    }

    /// <summary>repair -n F: writes the end footer anew from the copy at the start.</summary>
    public static int Repair(Flags flags, TextWriter stdout)
    {
        using var file = VhdFile.Open(flags.Require('n'), VhdAccess.ReadWrite);
        file.Repair();
        return 0;
    }

    private static int Failed(int errno, TextWriter stdout)
    {
        stdout.WriteLine($"resize failed: -{errno}");
        return errno;
    }
}
