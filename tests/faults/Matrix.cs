using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace NovaShim.Faults;

/// <summary>What came of a cell.</summary>
internal sealed record Row(Moment Moment, Fault Fault, bool Passed, double Seconds, string Outcome, string Proof);

/// <summary>
/// Runs cells, several side by side: each worker has an installation of its own, in which it tries one cell after the other, a new server each. The oracle has found nothing left over before the next
/// one begins; after a cell that failed the installation is a new one.
/// </summary>
internal sealed class Matrix(IReadOnlyList<(Moment Moment, Fault Fault)> cells, int workers)
{
    private const int ShortWidth = 110;

    private readonly ConcurrentQueue<(Moment Moment, Fault Fault)> _waiting = new(cells.OrderBy(c => c.Fault.UntilSilent));
    private readonly ConcurrentBag<Row> _rows = [];

    /// <summary>Runs all cells, each told on standard error as it ends; then prints the table and the count. Returns how many have failed.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        await Task.WhenAll(Enumerable.Range(0, Math.Min(workers, cells.Count)).Select(_ => Task.Run(() => WorkAsync(cancellation), CancellationToken.None)));
        Console.WriteLine(Line("step", "fault", "oracle", "seconds", "outcome", ""));
        foreach (var row in cells.Select(c => _rows.FirstOrDefault(r => (r.Moment, r.Fault) == c)).OfType<Row>())
        {
            Console.WriteLine(Line(row));
        }

        if (_rows.Count < cells.Count)
        {
            Console.WriteLine($"{cells.Count - _rows.Count} of {cells.Count} cells have not run");
        }

        var failed = _rows.Count(r => !r.Passed);
        Console.WriteLine($"{_rows.Count - failed} passed, {failed} failed");
        return failed;
    }

    private async Task WorkAsync(CancellationToken cancellation)
    {
        Installation? all = null;
        try
        {
            while (!cancellation.IsCancellationRequested && _waiting.TryDequeue(out var cell))
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
                    row = new Row(cell.Moment, cell.Fault, true, clock.Elapsed.TotalSeconds, course.ToString(), course.Proof);
                }
                catch (Exception e)
                {
                    // Whatever it was: the cell has not shown what it should, and the next one must not inherit it.
                    row = new Row(cell.Moment, cell.Fault, false, clock.Elapsed.TotalSeconds, e.Message, "");
                    await Console.Error.WriteLineAsync($"{cell.Moment} × {cell.Fault.Name}: {e}\n{Logs(all)}");
                    await EndAsync(all);
                    all = null;
                }

                _rows.Add(row);
                await Console.Error.WriteLineAsync($"{DateTime.UtcNow:HH:mm:ss} {_rows.Count}/{cells.Count} {Line(row)}");
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
        row.Moment.ToString(), row.Fault.Name, row.Passed ? "passed" : "FAILED", row.Seconds.ToString("0", CultureInfo.InvariantCulture), Short(row.Outcome), row.Proof.Length == 0 ? "" : $"  [{row.Proof.ReplaceLineEndings(" ")}]");

    private static string Line(string moment, string fault, string verdict, string seconds, string outcome, string proof) =>
        $"{moment,-38} {fault,-46} {verdict,-7} {seconds,7}  {outcome}{proof}";

    private static string Short(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > ShortWidth ? line[..ShortWidth] + "…" : line;
    }
}
