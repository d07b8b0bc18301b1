using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace NovaShim.System.Tests;

/// <summary>Names and metadata that mean something to a shell, to a path, to XML or to a terminal go through a server's life on XenServer as what they are: texts.</summary>
public sealed class HostileNamesTests
{
    [Fact]
    public async Task A_name_and_metadata_of_any_kind_go_through_boot_resize_revert_and_confirm_unharmed()
    {
        await using var hosts = await TwoXenServers.StartAsync();
        var canary = Path.Combine(hosts.Folder, "canary");
        var name = $"it's \"q\" $(touch {canary}) `touch {canary}` ; touch {canary} | & ../../etc \\ % \ud83d\ude80 \u6f22\u5b57 \u202egnp --help <b>&amp;";
        var metadata = new JsonObject
        {
            ["../../key"] = $"line one\nline two\r\n\t$(touch {canary})\u0007",
            ["'"] = "\"",
            ["\u00fc$(id)"] = new string('\u6f22', 255),
            ["novashim-migration"] = "]]> <x/> \\u0000 %s %n",
        };
        await using var shim = await hosts.StartShimAsync();
        using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString() };
        await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 2, () => shim.Output);

        // A name of two lines is refused, by name, and none of it comes about.
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => nova.SendAsync(HttpMethod.Post, "/v2.1/servers", Body("a\nb", metadata)));
        Assert.Contains("server.name", refused.Message, StringComparison.Ordinal);

        // Keys of any characters are the API's of 2011; today's has them of letters, digits and a few signs.
        Assert.Equal(400, await nova.TryAsync(HttpMethod.Post, "/v2.1/servers", Body(name, metadata)));
        var project = (await nova.SendAsync(HttpMethod.Get, "/v3/auth/projects"))["projects"]![0]!["id"]!.ToString();
        var server = (await nova.SendAsync(HttpMethod.Post, $"/v1.1/{project}/servers", Body(name, metadata)))["server"]!["id"]!.ToString();
        await nova.UntilAsync(server, "ACTIVE");
        var source = await CheckAsync();
        var destination = source == "xen1" ? "xen2" : "xen1";

        await MoveAsync("""{"resize": {"flavorRef": "2"}}""", "VERIFY_RESIZE");
        Assert.Equal(destination, await CheckAsync());
        await MoveAsync("""{"revertResize": null}""", "ACTIVE");
        Assert.Equal(source, await CheckAsync());
        await MoveAsync("""{"resize": {"flavorRef": "2"}}""", "VERIFY_RESIZE");
        await MoveAsync("""{"confirmResize": null}""", "ACTIVE");
        Assert.Equal(destination, await CheckAsync());
        await hosts.CheckAsync(server, destination, "--shut-down", "--journal");
        Assert.False(File.Exists(canary));

        async Task MoveAsync(string action, string state)
        {
            await nova.ActAsync(server, action);
            await nova.UntilAsync(server, state);
        }

        // Returns where it runs: there, XenServer has the name as it is.
        async Task<string> CheckAsync()
        {
            var shown = await nova.ShowAsync(server);
            Assert.Equal(name, shown["name"]!.ToString());
            Assert.True(JsonNode.DeepEquals(metadata, shown["metadata"]), shown.ToString());
            Assert.True(JsonNode.DeepEquals(metadata, (await nova.SendAsync(HttpMethod.Get, $"/v2.1/servers/{server}/metadata"))["metadata"]));
            var found = (await nova.SendAsync(HttpMethod.Get, "/v2.1/servers?name=" + Uri.EscapeDataString(@"^it's .*--help <b>&amp;$")))["servers"]!.AsArray();
            Assert.Equal(server, Assert.Single(found)!["id"]!.ToString());

            var host = shown["OS-EXT-SRV-ATTR:host"]!.ToString();
            Assert.Equal(name, await DescriptionAsync(Path.Combine(hosts.Folder, host + ".json"), server));
            Assert.False(File.Exists(canary));
            return host;
        }
    }

    private static string Body(string name, JsonObject metadata) => new JsonObject
    {
        ["server"] = new JsonObject { ["name"] = name, ["imageRef"] = TwoXenServers.Image, ["flavorRef"] = "1", ["metadata"] = metadata.DeepClone() },
    }.ToJsonString();

    private static async Task<string> DescriptionAsync(string ready, string server)
    {
        var facts = JsonNode.Parse(await File.ReadAllTextAsync(ready))!;
        using var http = new HttpClient();
        async Task<JsonNode> CallAsync(string method, params string[] parameters)
        {
            var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray([.. parameters.Select(p => (JsonNode)p)]) };
            using var answer = await http.PostAsJsonAsync(new Uri(facts["url"]!.ToString().TrimEnd('/') + "/jsonrpc"), request);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["result"]!;
        }

        var session = (await CallAsync("session.login_with_password", facts["username"]!.ToString(), facts["password"]!.ToString(), "1.1", "names")).ToString();
        var vms = (await CallAsync("VM.get_all_records", session)).AsObject();
        return vms.Single(v => v.Value!["other_config"]!["nova_uuid"]?.ToString() == server && !v.Value["is_a_snapshot"]!.GetValue<bool>()).Value!["name_description"]!.ToString();
    }
}
