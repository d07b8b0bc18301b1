using System.Text.Json.Nodes;

namespace NovaShim.Cli;

/// <summary>
/// Migrates every server off a host, so many at a time, and confirms each that has arrived. It keeps nothing: what is where and what is under way it asks anew each time, so that it may be
/// interrupted and begun again. A server whose user has resized it waits for that user, not for the operator.
/// </summary>
internal sealed class HostDrain(AdminClient client, string host, int parallel, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private readonly HashSet<string> _tried = new(StringComparer.Ordinal);
    private string _said = "";

    /// <summary>Runs until the host is empty (0), or nothing that is left can be moved (1).</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var servers = await RowsAsync("Instances", $"deleted eq false and host eq {ODataText.Quoted(host)}", cancellation);
            var migrations = await RowsAsync("Migrations", $"(source_compute eq {ODataText.Quoted(host)} or dest_compute eq {ODataText.Quoted(host)}) and (saga/actor ne null or status eq 'finished')", cancellation);
            if (servers.Count == 0 && migrations.Count == 0)
            {
                Console.WriteLine($"{host} is empty.");
                return 0;
            }

            var leaving = migrations.Where(m => m.Field("source_compute") == host && m.Field("status") != "finished").ToList();
            var arrived = migrations.Where(m => m.Field("source_compute") == host && m.Field("status") == "finished").ToList();
            foreach (var m in arrived.Where(m => m.Field("migration_type") == "migration"))
            {
                await ActAsync(m.Field("instance_uuid"), "confirmResize", cancellation);
            }

            var idle = servers.Where(s => s.Field("vm_state") == "active" && s.Field("task_state").Length == 0 && s.Field("migration_uuid").Length == 0).ToList();
            foreach (var s in idle.Where(s => !_tried.Contains(s.Field("uuid"))).Take(Math.Max(0, parallel - leaving.Count)))
            {
                _tried.Add(s.Field("uuid"));
                await ActAsync(s.Field("uuid"), "migrate", cancellation);
            }

            var waiting = migrations.Where(m => m.Field("status") == "finished" && !(m.Field("source_compute") == host && m.Field("migration_type") == "migration")).ToList();
            Say($"{host}: {servers.Count} servers are left, {leaving.Count} on their way, {arrived.Count} arrived and not confirmed yet");
            var moving = migrations.Count > waiting.Count || idle.Any(s => !_tried.Contains(s.Field("uuid"))) || servers.Any(s => s.Field("task_state").Length > 0 && s.Field("vm_state") != "error");
            if (!moving && leaving.Count == 0 && await NothingBeganAsync(idle, cancellation))
            {
                await ListLeftAsync(servers, waiting, cancellation);
                return 1;
            }

            await Task.Delay(Interval, time, cancellation);
        }
    }

    // What was asked for a moment ago shows in the next look; only when that shows nothing either has it come to nothing.
    private async Task<bool> NothingBeganAsync(List<JsonNode> idle, CancellationToken cancellation)
    {
        foreach (var s in idle)
        {
            if ((await RowsAsync("Instances", $"uuid eq {ODataText.Quoted(s.Field("uuid"))}", cancellation)) is not [{ } now] || now.Field("migration_uuid").Length > 0 || now.Field("host") != host)
            {
                return false;
            }
        }

        return true;
    }

    private async Task ListLeftAsync(List<JsonNode> servers, List<JsonNode> waiting, CancellationToken cancellation)
    {
        Console.WriteLine($"{host} is not empty, and nothing that is left can be moved now:");
        foreach (var s in servers)
        {
            var last = (await client.GetRowsAsync($"/odata/v1/Migrations?$orderby=id desc&$top=1&$filter=instance_uuid eq {ODataText.Quoted(s.Field("uuid"))}", cancellation)).FirstOrDefault();
            var why = waiting.Any(m => m.Field("instance_uuid") == s.Field("uuid")) ? "its user has to confirm or revert a resize"
                : s.Field("vm_state") == "error" ? s.Field("fault/message")
                : last?.Field("saga/fault") is { Length: > 0 } fault ? fault
                : $"it is {s.Field("vm_state")}";
            Console.WriteLine($"  {s.Field("uuid")}  {s.Field("display_name")}: {why}");
        }

        foreach (var m in waiting.Where(m => m.Field("source_compute") == host))
        {
            Console.WriteLine($"  {m.Field("instance_uuid")}: its user has to confirm or revert a resize before what is left of it here is removed");
        }
    }

    // Refused: the server's user was faster. The next look shows what it is now.
    private async Task ActAsync(string server, string action, CancellationToken cancellation)
    {
        try
        {
            await client.SendAsync(HttpMethod.Post, $"/v2.1/servers/{server}/action", new JsonObject { [action] = null }, cancellation);
        }
        catch (InvalidOperationException refused)
        {
            Say($"{server}: {refused.Message}");
        }
    }

    private async Task<List<JsonNode>> RowsAsync(string set, string filter, CancellationToken cancellation) =>
        [.. (await client.GetRowsAsync($"/odata/v1/{set}?$orderby=id&$filter={filter}", cancellation)).OfType<JsonNode>()];

    private void Say(string line)
    {
        if (line != _said)
        {
            Console.WriteLine($"{time.GetUtcNow():HH:mm:ss}  {line}");
            _said = line;
        }
    }
}
