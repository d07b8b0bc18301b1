using System.CommandLine;
using System.Text.Json.Nodes;

namespace NovaShim.Cli;

/// <summary><c>novashim migrations watch</c>: a line whenever a migration has moved.</summary>
internal static class MigrationsWatch
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var data = AdminClient.DataOption();
        var uuid = new Argument<Guid?>("UUID") { Description = "The migration; without it, all that are under way, until interrupted.", Arity = ArgumentArity.ZeroOrOne };
        var watch = new Command("watch", "A line whenever a migration has moved. Of one migration: ends when nobody has to act on it any more, with status 1 if it failed.") { uuid, data };
        watch.SetAction((parsed, cancellation) => AdminClient.RunAsync(parsed.GetValue(data)!, client => WatchAsync(client, parsed.GetValue(uuid), TimeProvider.System, cancellation), cancellation));
        return watch;
    }

    private static async Task<int> WatchAsync(AdminClient client, Guid? uuid, TimeProvider time, CancellationToken cancellation)
    {
        var seen = new Dictionary<string, string>();
        while (true)
        {
            // What has been seen under way is shown once more when it is over.
            var rows = await client.GetRowsAsync("/odata/v1/Migrations?$orderby=id desc" + (uuid is null ? "" : $"&$filter=uuid eq '{uuid}'"), cancellation);
            foreach (var row in rows.Reverse().Where(r => uuid is not null || !IsOver(r!) || seen.ContainsKey(r!.Field("uuid"))))
            {
                var line = Line(row!);
                if (seen.GetValueOrDefault(row!.Field("uuid")) != line)
                {
                    Console.WriteLine($"{time.GetUtcNow():HH:mm:ss}  {line}");
                    seen[row!.Field("uuid")] = line;
                }
            }

            if (uuid is not null)
            {
                if (rows is not [{ } one])
                {
                    throw new InvalidOperationException($"There is no migration {uuid}.");
                }

                if (IsOver(one))
                {
                    return one.Field("status") == "error" ? 1 : 0;
                }
            }

            await Task.Delay(Interval, time, cancellation);
        }
    }

    private static bool IsOver(JsonNode row) => row.Field("saga/actor").Length == 0;

    private static string Line(JsonNode row)
    {
        var (actor, to, fault) = (row.Field("saga/actor"), row.Field("dest_compute"), row.Field("saga/fault"));
        var error = row.Field("saga/waiting") is { Length: > 0 } waiting ? waiting : row.Field("saga/error");
        return $"{row.Field("uuid")}  {row.Field("source_compute")} → {(to.Length > 0 ? to : "?")}  {row.Field("status")}, {row.Field("saga/progress/percent")} %"
            + (actor.Length > 0 ? $", {row.Field("saga/step")} by {actor}" : "") + (error.Length > 0 ? $": {error}" : "") + (fault.Length > 0 ? $" ({fault})" : "");
    }
}
