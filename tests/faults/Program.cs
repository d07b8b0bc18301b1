using System.Globalization;
using NovaShim.Faults;

const string Usage = """
    usage: novashim-faults [--representative] [--jobs N] [--only TEXT]... [--list]

    Moves servers in an installation of real processes while something goes wrong at a chosen moment, and looks at everything afterwards.
    Without options: every moment with every fault. Exit status 0 only if every cell that ran has passed, and one has run.

      --representative   a few cells that differ
      --jobs N           so many cells side by side, each in an installation of its own (default 4)
      --only TEXT        cells whose step or fault contains TEXT; may be given several times: all must match
      --list             prints the cells and runs none
    """;

var only = new List<string>();
var some = false;
var list = false;
var jobs = 4;
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--representative": some = true; break;
        case "--list": list = true; break;
        case "--jobs" when i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out jobs) && jobs > 0: i++; break;
        case "--only" when i + 1 < args.Length: only.Add(args[++i]); break;
        default:
            Console.Error.WriteLine(Usage);
            return 2;
    }
}

IReadOnlyList<(Moment Moment, Fault Fault)> cells = [.. from moment in Moment.All from fault in Fault.All where fault.At(moment) select (moment, fault)];
cells = [.. (some ? Representative.Of(cells) : cells).Where(c => only.TrueForAll(text => $"{c.Moment} {c.Fault.Name}".Contains(text, StringComparison.OrdinalIgnoreCase)))];
if (list)
{
    foreach (var c in cells)
    {
        Console.WriteLine($"{c.Moment,-38} {c.Fault.Name,-50} {Expected.Of(c.Moment, c.Fault).End}");
    }

    return 0;
}

// Interrupted, it ends the cells that run, and tells what it has.
using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    interrupted.Cancel();
};
return await new Matrix(cells, jobs).RunAsync(interrupted.Token) == 0 && cells.Count > 0 && !interrupted.IsCancellationRequested ? 0 : 1;
