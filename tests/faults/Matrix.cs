using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace NovaShim.Faults;

/// <summary>What came of a cell.</summary>
internal sealed record Row(string Step, string Fault, bool Passed, double Seconds, string Outcome, string Proof);

/// <summary>
/// Runs cells, several side by side: each worker has an installation of its own, in which it tries one cell after the other, a new server each. The oracle has found nothing left over before the next
/// one begins; after a cell that failed the installation is a new one.
/// </summary>
/// <param name="cells">Which.</param>
/// <param name="controls">Whether the oracle is tried, too.</param>
/// <param name="workers">How many cells side by side.</param>
internal sealed class Matrix(IReadOnlyList<(Moment Moment, Fault Fault)> cells, bool controls, int workers)
{
    private const int ShortWidth = 110;

    // In no order, the same at every run: one that is not run to its end has had something of everything.
    private readonly (Queue<(Moment Moment, Fault Fault)> Patient, Queue<(Moment Moment, Fault Fault)> Impatient) _waiting =
        (new(Shuffled(cells.Where(c => !c.Fault.UntilSilent))), new(Shuffled(cells.Where(c => c.Fault.UntilSilent))));

    private readonly ConcurrentBag<Row> _rows = [];

    /// <summary>Runs all cells, each told on standard error as it ends; then prints the table and the count. Returns whether all have run and passed.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        var running = Enumerable.Range(0, Math.Min(workers, cells.Count)).Select(n => Task.Run(() => WorkAsync(n == 0, cancellation), CancellationToken.None)).ToList();
        if (controls)
        {
            running.Add(Task.Run(TryOracleAsync, CancellationToken.None));
        }

        await Task.WhenAll(running);
        Console.WriteLine(Line("step", "fault", "oracle", "seconds", "outcome", ""));
        var order = cells.Select((c, at) => ((c.Moment.ToString(), c.Fault.Name), at)).ToDictionary();
        foreach (var row in _rows.OrderBy(r => order.GetValueOrDefault((r.Step, r.Fault), -1)).ThenBy(r => r.Fault, StringComparer.Ordinal))
        {
            Console.WriteLine(Line(row));
        }

        var left = _waiting.Patient.Count + _waiting.Impatient.Count;
        if (left > 0)
        {
            Console.WriteLine($"{left} of {cells.Count} cells have not run");
        }

        var failed = _rows.Count(r => !r.Passed);
        Console.WriteLine($"{_rows.Count - failed} passed, {failed} failed");
        return failed == 0 && left == 0;
    }

    private async Task TryOracleAsync()
    {
        try
        {
            await Controls.RunAsync(Tell);
        }
        catch (Exception e)
        {
            Tell(new Row("negative control", "where all is well", false, 0, $"the oracle, or what is broken for it, fails: {e.Message}", ""));
            await Console.Error.WriteLineAsync(e.ToString());
        }
    }

    private void Tell(Row row)
    {
        _rows.Add(row);
        Console.Error.WriteLine($"{DateTime.UtcNow:HH:mm:ss} {_rows.Count} {Line(row)}");
    }

    // The first worker begins with what needs an impatient installation, and the others with the rest, so that an installation serves for long.
    private (Moment Moment, Fault Fault)? Next(bool impatient)
    {
        lock (cells)
        {
            var (first, second) = impatient ? (_waiting.Impatient, _waiting.Patient) : (_waiting.Patient, _waiting.Impatient);
            return first.TryDequeue(out var cell) || second.TryDequeue(out cell) ? cell : null;
        }
    }

    private static IEnumerable<(Moment, Fault)> Shuffled(IEnumerable<(Moment, Fault)> some)
    {
        var all = some.ToArray();
        new Random(1).Shuffle(all);
        return all;
    }

    private async Task WorkAsync(bool impatient, CancellationToken cancellation)
    {
        Installation? all = null;
        try
        {
            while (!cancellation.IsCancellationRequested && Next(impatient) is { } cell)
            {
                var clock = Stopwatch.StartNew();
                Row row;
                try
                {
                    if (all is not null && all.Impatient != cell.Fault.UntilSilent)
                    {
                        await EndAsync(all);
                        all = null;
                    }

                    all ??= await Installation.StartAsync(cell.Fault.UntilSilent);
                    var course = await Trial.RunAsync(all, cell.Moment, cell.Fault);
                    row = new Row(cell.Moment.ToString(), cell.Fault.Name, true, clock.Elapsed.TotalSeconds, course.ToString(), course.Proof);
                }
                catch (Exception e)
                {
                    // Whatever it was: the cell has not shown what it should, and the next one must not inherit it.
                    row = new Row(cell.Moment.ToString(), cell.Fault.Name, false, clock.Elapsed.TotalSeconds, e.Message, "");
                    await Console.Error.WriteLineAsync($"{cell.Moment} × {cell.Fault.Name}: {e}\n{Logs(all)}");
                    await EndAsync(all);
                    all = null;
                }

                Tell(row);
            }
        }
        finally
        {
            await EndAsync(all);
        }
    }

    private static async Task EndAsync(Installation? all)
    {
        if (all is null)
        {
            return;
        }

        try
        {
            await all.DisposeAsync();
        }
        catch (Exception e)
        {
            // What would not end has been ended the hard way; the cells do not answer for it.
            await Console.Error.WriteLineAsync($"an installation did not end well: {e.Message}");
        }
    }

    private static string Logs(Installation? all) => all is null
        ? ""
        : string.Concat(new[] { Installation.Api, Installation.Scheduler }.Concat(Installation.Hosts.SelectMany(h => new[] { Installation.ComputeOf(h), Installation.StandInOf(h), h }))
            .Select(part => $"--- {part}\n{all.OutputOf(part)}\n"));

    private static string Line(Row row) => Line(
        row.Step, row.Fault, row.Passed ? "passed" : "FAILED", row.Seconds.ToString("0", CultureInfo.InvariantCulture), Short(row.Outcome), row.Proof.Length == 0 ? "" : $"  [{row.Proof.ReplaceLineEndings(" ")}]");

    private static string Line(string moment, string fault, string verdict, string seconds, string outcome, string proof) =>
        $"{moment,-38} {fault,-46} {verdict,-7} {seconds,7}  {outcome}{proof}";

    private static string Short(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > ShortWidth ? line[..ShortWidth] + "…" : line;
    }
}
