using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace NovaShim.Cli;

/// <summary><c>novashim migrations</c>: what is on the move, who must act next, and what the copy cost.</summary>
internal static class MigrationsCommand
{
    public static Command Create()
    {
        var data = AdminClient.DataOption();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var list = new Command("list", "All migrations, the newest first.") { data, json };
        list.SetAction((parsed, cancellation) => AdminClient.AskAsync(
            parsed.GetValue(data)!, "/odata/v1/Migrations?$orderby=id desc",
            rows => Tables.Print(
                rows, parsed.GetValue(json),
                ("Id", r => r.Field("id")), ("UUID", r => r.Field("uuid")), ("Server", r => r.Field("instance_uuid")), ("Type", r => r.Field("migration_type")), ("From", r => r.Field("source_compute")),
                ("To", r => r.Field("dest_compute")), ("Status", r => r.Field("status")), ("Step", r => r.Field("saga/step")), ("Acts next", r => r.Field("saga/actor")), ("Progress", r => r.Field("saga/progress/percent") + " %"),
                ("Downtime", Downtime), ("Fault", r => r.Field("saga/waiting") is { Length: > 0 } waiting ? waiting : r.Field("saga/fault"))),
            cancellation));

        var uuid = new Argument<Guid>("UUID") { Description = "The migration." };
        var show = new Command("show", "One migration: each pass of its copy, in bytes and seconds.") { uuid, data, json };
        show.SetAction((parsed, cancellation) => AdminClient.AskAsync(
            parsed.GetValue(data)!, $"/odata/v1/Migrations?$filter=uuid eq '{parsed.GetValue(uuid)}'",
            rows => Show(rows, parsed.GetValue(json)),
            cancellation));
        var abort = new Command("abort", "Take a migration back: the server is where and what it was when that is done.") { uuid, data };
        abort.SetAction((parsed, cancellation) => AdminClient.DoAsync(
            parsed.GetValue(data)!, HttpMethod.Post, $"/admin/v1/migrations/{parsed.GetValue(uuid)}/abort", body: null, "It is being taken back.", cancellation));
        var retry = new Command("retry", "Try a migration's next step now, whatever pause it is in.") { uuid, data };
        retry.SetAction((parsed, cancellation) => AdminClient.DoAsync(
            parsed.GetValue(data)!, HttpMethod.Post, $"/admin/v1/migrations/{parsed.GetValue(uuid)}/retry", body: null, "It is due now.", cancellation));
        return new Command("migrations", "Resizes and migrations.") { list, show, MigrationsWatch.Create(), abort, retry };
    }

    private static void Show(JsonArray rows, bool json)
    {
        if (json || rows is not [JsonObject migration])
        {
            Tables.Print(rows, json, ("UUID", r => r.Field("uuid")));
            return;
        }

        (string, string)[] facts =
        [
            ("server", migration.Field("instance_uuid")), ("from", migration.Field("source_compute")), ("to", migration.Field("dest_compute")), ("status", migration.Field("status")), ("step", migration.Field("saga/step")),
            ("acts next", migration.Field("saga/actor")), ("waits", migration.Field("saga/waiting")), ("step begun", migration.Field("saga/begun_at")), ("tries so far", migration.Field("saga/attempts")), ("last error", migration.Field("saga/error")), ("fault", migration.Field("saga/fault")), ("downtime", Downtime(migration)),
        ];
        foreach (var (name, value) in facts.Where(f => f.Item2.Length > 0))
        {
            Console.WriteLine($"{name,-13} {value}");
        }

        Tables.Print(
            migration["saga"]?["progress"]?["rounds"] as JsonArray ?? [], json: false,
            ("Pass", r => r.Field("name")), ("Bytes", r => r.Field("bytes")), ("Seconds", r => r.Field("seconds")), ("Guest", r => r.Field("guest_running") == "true" ? "running" : "stopped"));
    }

    private static string Downtime(JsonNode migration) =>
        Moment(migration, "saga/progress/stopped_at") is { } stopped && Moment(migration, "saga/progress/started_at") is { } started
            ? (started - stopped).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s"
            : "";

    private static DateTime? Moment(JsonNode migration, string path) =>
        DateTime.TryParse(migration.Field(path), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var moment) ? moment : null;
}
