using System.Net.Http.Json;
using System.Text.Json.Nodes;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>A look at a simulated host's XenAPI from outside.</summary>
internal sealed class XenHost(JsonObject facts)
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Waits until a call of this message is held: its task is pending.</summary>
    public async Task UntilHeldAsync(string call)
    {
        var session = (await CallAsync("session.login_with_password", facts["username"]!.ToString(), facts["password"]!.ToString(), "1.1", "faults")).ToString();
        JsonNode? tasks = null;
        await Eventually.Async(
            async () =>
            {
                tasks = await CallAsync("task.get_all_records", session);
                return tasks.AsObject().Any(t => t.Value!["status"]!.ToString() == "pending" && t.Value["name_label"]!.ToString().EndsWith(call, StringComparison.Ordinal));
            },
            () => $"no {call} is held on {facts["name"]}: {tasks}",
            TimeSpan.FromSeconds(60));
        await CallAsync("session.logout", session);
    }

    private async Task<JsonNode> CallAsync(string method, params string[] parameters)
    {
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray([.. parameters.Select(p => (JsonNode)p)]) };
        using var answer = await Http.PostAsJsonAsync(new Uri(facts["url"]!.ToString().TrimEnd('/') + "/jsonrpc"), request);
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return body["error"] is null ? body["result"]!.DeepClone() : throw new InvalidOperationException($"{method}: {body["error"]}");
    }
}
