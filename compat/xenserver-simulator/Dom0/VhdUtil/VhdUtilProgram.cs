using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>
/// What dom0's <c>vhd-util</c> does: its commands, flags, output texts (all on standard output) and exit codes (0, or an errno),
/// over our own VHD library.
/// </summary>
internal static class VhdUtilProgram
{
    private static readonly Dictionary<string, (string Flags, Func<Flags, TextWriter, int> Run)> _commands = new(StringComparer.Ordinal)
    {
        ["create"] = (ImageCommands.CreateFlags, ImageCommands.Create),
        ["snapshot"] = (ImageCommands.SnapshotFlags, ImageCommands.Snapshot),
        ["query"] = (QueryCommand.Flags, QueryCommand.Run),
        ["modify"] = (ChangeCommands.ModifyFlags, ChangeCommands.Modify),
        ["set"] = (ChangeCommands.SetFlags, ChangeCommands.Set),
        ["check"] = (CheckCommand.Flags, CheckCommand.Run),
        ["coalesce"] = (ChangeCommands.CoalesceFlags, ChangeCommands.Coalesce),
        ["resize"] = (ChangeCommands.ResizeFlags, ChangeCommands.Resize),
        ["scan"] = (ScanCommand.Flags, ScanCommand.Run),
        ["read"] = (ReadCommand.Flags, ReadCommand.Run),
        ["repair"] = (ChangeCommands.RepairFlags, ChangeCommands.Repair),
    };

    /// <summary>Runs one command.</summary>
    /// <param name="args">The command's name and its flags.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] args, TextWriter stdout)
    {
        if (args.Length == 0 || !_commands.TryGetValue(args[0], out var command))
        {
            stdout.WriteLine($"usage: vhd-util COMMAND [OPTIONS]; commands: {string.Join(' ', _commands.Keys)}");
            return Errno.InvalidArgument;
        }

        if (Flags.TryParse(args.AsSpan(1), command.Flags, out var problem) is not { } flags)
        {
            stdout.WriteLine($"{args[0]}: {problem}");
            return Errno.InvalidArgument;
        }

        try
        {
            return command.Run(flags, stdout);
        }
        catch (UsageException usage)
        {
            stdout.WriteLine($"{args[0]}: {usage.Message}");
            return Errno.InvalidArgument;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            var errno = Errno.Of(failure);
            stdout.WriteLine($"error opening {flags.Get('n')}: -{errno}");
            return errno;
        }
    }
}
