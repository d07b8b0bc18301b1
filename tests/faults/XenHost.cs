using System.Net.Http.Json;
using System.Text.Json.Nodes;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>A look at a simulated host's XenAPI from outside.</summary>
internal sealed class XenHost(JsonObject facts)
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(30) };

    private string? _session;

    /// <summary>Waits until a call of this message is held.</summary>
    public async Task UntilHeldAsync(string call)
    {
        IReadOnlyList<string>? held = null;
        await Eventually.Async(
            async () => (held = await Http.GetFromJsonAsync<string[]>(new Uri($"{facts["url"]}/simulator/faults/held")))!.Contains(call),
            () => $"no {call} is held on {facts["name"]}, but {string.Join(", ", held ?? [])}",
            TimeSpan.FromMinutes(5));
    }

    /// <summary>Whether a VM of the server runs here.</summary>
    public async Task<bool> RunsAsync(string server) =>
        (await CallAsync("VM.get_all_records")).AsObject().Any(
            vm => vm.Value!["power_state"]!.ToString() == "Running" && vm.Value["other_config"]!["nova_uuid"]?.ToString() == server);

    /// <summary>The VM of a server.</summary>
    public async Task<string> FindAsync(string server) => (await CallAsync("VM.get_all_records")).AsObject()
        .Single(vm => vm.Value!["other_config"]!["nova_uuid"]?.ToString() == server && !vm.Value["is_a_snapshot"]!.GetValue<bool>()).Key;

    /// <summary>The snapshots of a VM, with their records.</summary>
    public async Task<IReadOnlyList<(string Reference, JsonNode Record)>> SnapshotsAsync(string vm) =>
        [.. (await CallAsync("VM.get_all_records")).AsObject().Where(v => v.Value!["is_a_snapshot"]!.GetValue<bool>() && v.Value["snapshot_of"]!.ToString() == vm).Select(v => (v.Key, v.Value!))];

    /// <summary>Destroys a VM that does not run, or a snapshot, with its disks.</summary>
    public async Task DestroyAsync(string vm, JsonNode record)
    {
        foreach (var vbd in record["VBDs"]!.AsArray())
        {
            await CallAsync("VDI.destroy", (await CallAsync("VBD.get_VDI", vbd!.ToString())).ToString());
        }

        await CallAsync("VM.destroy", vm);
    }

    /// <summary>The faults that still wait for their call, as JSON.</summary>
    public Task<string> FaultsAsync() => Http.GetStringAsync(new Uri($"{facts["url"]}/simulator/faults"));

    /// <summary>Calls a message with the caller's own session. Throws <see cref="InvalidOperationException"/> with the API's failure.</summary>
    public async Task<JsonNode> CallAsync(string method, params JsonNode[] parameters)
    {
        _session ??= (await SendAsync("session.login_with_password", facts["username"]!.ToString(), facts["password"]!.ToString(), "1.1", "faults")).ToString();
        try
        {
            return await SendAsync(method, [_session, .. parameters]);
        }
        catch (InvalidOperationException e) when (e.Message.Contains("SESSION_INVALID", StringComparison.Ordinal))
        {
            _session = null;
            return await CallAsync(method, parameters);
        }
    }

    private static JsonNode? Result(JsonNode body) => body["result"]?.DeepClone();

    private async Task<JsonNode> SendAsync(string method, params JsonNode[] parameters)
    {
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray([.. parameters.Select(p => p.DeepClone())]) };
        using var answer = await Http.PostAsJsonAsync(new Uri(facts["url"]!.ToString().TrimEnd('/') + "/jsonrpc"), request);
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return body["error"] is null ? Result(body) ?? new JsonObject() : throw new InvalidOperationException($"{method}: {body["error"]}");
    }
}
