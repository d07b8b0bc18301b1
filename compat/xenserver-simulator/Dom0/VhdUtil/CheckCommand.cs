using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>
/// check -n F [-p parents] [-b bitmaps] [-i no end footer needed] [-I any parent uuid] [-t any time] [-B]: "F is valid" for each file,
/// or what is wrong with it and its metadata.
/// </summary>
internal static class CheckCommand
{
    public const string Flags = "n:pbiItBs";

    public static int Run(Flags flags, TextWriter stdout)
    {
        var name = flags.Require('n');
        var options = new VhdCheckOptions
        {
            Parents = flags.Has('p'),
            Bitmaps = flags.Has('b'),
            IgnorePrimaryFooter = flags.Has('i'),
            IgnoreParentUuid = flags.Has('I'),
            IgnoreTimes = flags.Has('t'),
        };
        var exit = 0;
        foreach (var (result, first) in VhdCheck.Run(name, options).Select((result, at) => (result, at == 0)))
        {
            var shown = first ? name : result.Path;
            if (result.Valid)
            {
                stdout.WriteLine($"{shown} is valid");
                continue;
            }

            foreach (var problem in result.Problems)
            {
                stdout.WriteLine(problem);
            }

            stdout.WriteLine($"{shown} appears invalid; dumping metadata");
            ReadCommand.TryDump(result.Path, stdout);
            exit = result.Problems.Any(problem => problem.EndsWith(": -2", StringComparison.Ordinal)) ? Errno.NoSuchFile : Errno.InvalidArgument;
        }

        return exit;
    }
}
