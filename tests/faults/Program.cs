using System.Globalization;
using System.Runtime.InteropServices;
using NovaShim.Faults;

const string Usage = """
    usage: novashim-faults [--representative] [--controls] [--jobs N] [--minutes N] [--only TEXT]... [--list]

    Moves servers in an installation of real processes while something goes wrong at a chosen moment, and looks at everything afterwards.
    Without options: every moment with every fault, and the oracle itself is tried: things are broken by hand, and it must find each. Exit status 0 only if every cell that ran has passed, and one has run.

      --representative   a few cells that differ
      --controls         only the trial of the oracle
      --jobs N           so many cells side by side, each in an installation of its own (default 4)
      --minutes N        begin no more cells after so long: the status is that of failure then, if one is left
      --only TEXT        cells whose step or fault contains TEXT; may be given several times: all must match
      --list             prints the cells and runs none
    """;

var only = new List<string>();
var some = false;
var list = false;
var controls = false;
var jobs = 4;
var minutes = 0.0;
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--representative": some = true; break;
        case "--minutes" when i + 1 < args.Length && double.TryParse(args[i + 1], CultureInfo.InvariantCulture, out minutes) && minutes > 0: i++; break;
        case "--controls": controls = true; break;
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
if (controls)
{
    cells = [];
}

controls |= only.Count == 0;
if (list)
{
    foreach (var c in cells)
    {
        Console.WriteLine($"{c.Moment,-38} {c.Fault.Name,-50} {Expected.Of(c.Moment, c.Fault).End}");
    }

    return 0;
}

// Interrupted, or out of time, it ends the cells that run, and tells what it has.
using var interrupted = minutes > 0 ? new CancellationTokenSource(TimeSpan.FromMinutes(minutes)) : new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, EndCells);
using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, EndCells);
return await new Matrix(cells, controls, jobs).RunAsync(interrupted.Token) && (cells.Count > 0 || controls) ? 0 : 1;

void EndCells(PosixSignalContext signal)
{
    signal.Cancel = true;
    interrupted.Cancel();
}
