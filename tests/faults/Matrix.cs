using System.Diagnostics;
using System.Globalization;

namespace NovaShim.Faults;

/// <summary>Runs cells one after the other in one installation, a new server each, and prints a line for each. After a cell that failed the installation is a new one.</summary>
internal sealed class Matrix(IReadOnlyList<(Moment Moment, Fault Fault)> cells)
{
    private const int OutcomeWidth = 90;

    /// <summary>Returns how many cells have failed.</summary>
    public async Task<int> RunAsync()
    {
        var failed = 0;
        Installation? all = null;
        try
        {
            Console.WriteLine(Line("step", "fault", "oracle", "seconds", "outcome"));
            foreach (var (moment, fault) in cells)
            {
                var clock = Stopwatch.StartNew();
                string verdict, outcome;
                var details = "";
                try
                {
                    all ??= await Installation.StartAsync();
                    var trial = await Trial.BeginAsync(all, moment);
                    (verdict, outcome) = ("passed", await trial.RunAsync(moment, fault));
                }
                catch (Exception e)
                {
                    // Whatever it was: the cell has not shown what it should, and the next one must not inherit it.
                    failed++;
                    (verdict, outcome, details) = ("FAILED", e.Message, $"{e}\n{Logs(all)}");
                    await EndAsync(all);
                    all = null;
                }

                Console.WriteLine(Line(moment.ToString(), fault.Name, verdict, clock.Elapsed.TotalSeconds.ToString("0", CultureInfo.InvariantCulture), Short(outcome)));
                await Console.Error.WriteAsync(details);
            }
        }
        finally
        {
            await EndAsync(all);
        }

        Console.WriteLine($"{cells.Count - failed} passed, {failed} failed");
        return failed;
    }

    private static async Task EndAsync(Installation? all)
    {
        if (all is not null)
        {
            await all.DisposeAsync();
        }
    }

    private static string Logs(Installation? all) => all is null
        ? ""
        : string.Concat(new[] { Installation.Api, Installation.Scheduler, "compute-xen1", "compute-xen2" }.Select(part => $"--- {part}\n{all.OutputOf(part)}\n"));

    private static string Line(string moment, string fault, string verdict, string seconds, string outcome) => $"{moment,-38} {fault,-30} {verdict,-7} {seconds,7}  {outcome}";

    private static string Short(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > OutcomeWidth ? line[..OutcomeWidth] + "…" : line;
    }
}
