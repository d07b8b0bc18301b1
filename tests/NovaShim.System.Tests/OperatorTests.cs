using System.Text.Json.Nodes;

namespace NovaShim.System.Tests;

/// <summary>What an operator does from the command line, at a program that drives three hosts.</summary>
public sealed class OperatorTests
{
    [Fact]
    public async Task A_host_is_drained_and_a_servers_state_reset()
    {
        var folder = Directory.CreateTempSubdirectory("novashim-operator-");
        var image = Path.Combine(folder.FullName, "image.raw");
        await File.WriteAllBytesAsync(image, new byte[4096]);
        var data = Path.Combine(folder.FullName, "data");
        var configuration = new JsonObject
        {
            ["data"] = data,
            ["api"] = new JsonObject { ["urls"] = "http://127.0.0.1:0" },
            ["images"] = new JsonArray(new JsonObject { ["id"] = TwoXenServers.Image, ["name"] = "i", ["path"] = image, ["disk_format"] = "raw" }),
            ["hosts"] = new JsonArray([.. Enumerable.Range(1, 3).Select(n => new JsonObject { ["name"] = $"fake{n}", ["driver"] = "fake" })]),
        };
        var file = Path.Combine(folder.FullName, "novashim.json");
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        await using (var shim = await BuiltProgram.StartAsync(BuiltProgram.NovaShim, Path.Combine(folder.FullName, "ready.json"), "serve", "--config", file))
        {
            var admin = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(data, "admin.json")))!;
            using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString(), Login = (admin["username"]!.ToString(), admin["password"]!.ToString(), admin["project"]!.ToString()) };
            await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 3, () => shim.Output);
            var servers = new List<string>();
            for (var n = 0; n < 6; n++)
            {
                servers.Add(await nova.BootAsync(TwoXenServers.Image, "1"));
            }

            async Task<(int Status, string Output)> DoAsync(params string[] arguments)
            {
                var program = await BuiltProgram.RunAsync(BuiltProgram.NovaShim, [.. arguments, "--data", data]);
                return (program.ExitCode, program.Output);
            }

            async Task<string> HostOfAsync(string server) => (await nova.SendAsync(HttpMethod.Get, "/v2.1/servers/" + server))["server"]!["OS-EXT-SRV-ATTR:host"]!.ToString();

            var hosts = await Task.WhenAll(servers.Select(HostOfAsync));
            Assert.Contains("fake1", hosts);

            var drained = await DoAsync("hosts", "drain", "fake1", "--parallel", "2", "--reason", "new memory");
            Assert.True(drained.Status == 0, drained.Output + shim.Output);
            Assert.Contains("fake1 is empty", drained.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("fake1", await Task.WhenAll(servers.Select(HostOfAsync)));
            Assert.All(servers, s => Assert.Equal("ACTIVE", nova.SendAsync(HttpMethod.Get, "/v2.1/servers/" + s).Result["server"]!["status"]!.ToString()));

            // Drained again, there is nothing to do; and it has no new work.
            Assert.Equal(0, (await DoAsync("hosts", "drain", "fake1", "--reason", "new memory")).Status);
            var list = await DoAsync("hosts", "list");
            Assert.Contains("new memory", list.Output, StringComparison.Ordinal);
            Assert.NotEqual("fake1", await HostOfAsync(await nova.BootAsync(TwoXenServers.Image, "1")));
            Assert.Equal(0, (await DoAsync("hosts", "enable", "fake1")).Status);
            Assert.DoesNotContain("new memory", (await DoAsync("hosts", "list")).Output, StringComparison.Ordinal);

            // Nobody takes what the two others have.
            Assert.Equal(0, (await DoAsync("hosts", "disable", "fake1")).Status);
            Assert.Equal(0, (await DoAsync("hosts", "disable", "fake2")).Status);
            var stuck = await DoAsync("hosts", "drain", "fake3");
            Assert.Equal(1, stuck.Status);
            Assert.Contains("No valid host was found", stuck.Output, StringComparison.Ordinal);

            Assert.Equal(0, (await DoAsync("servers", "reset-state", servers[0], "--error")).Status);
            await nova.UntilAsync(servers[0], "ERROR");
            Assert.Equal(0, (await DoAsync("servers", "reset-state", servers[0], "--active")).Status);
            await nova.UntilAsync(servers[0], "ACTIVE");

            var last = (await nova.SendAsync(HttpMethod.Get, "/odata/v1/Migrations?$orderby=id desc&$top=1"))["value"]![0]!["uuid"]!.ToString();
            var watched = await DoAsync("migrations", "watch", last);
            Assert.Equal(1, watched.Status);
            Assert.Contains("No valid host was found", watched.Output, StringComparison.Ordinal);
            var aborted = await DoAsync("migrations", "abort", last);
            Assert.Equal(1, aborted.Status);
            Assert.Contains("it is over, with status error", aborted.Output, StringComparison.Ordinal);
            Assert.Contains("is over", (await DoAsync("migrations", "retry", last)).Output, StringComparison.Ordinal);
            Assert.Contains("could not be found", (await DoAsync("migrations", "abort", Guid.NewGuid().ToString())).Output, StringComparison.Ordinal);
            Assert.Contains("Could not find binary", (await DoAsync("hosts", "drain", "nowhere")).Output, StringComparison.Ordinal);
        }

        folder.Delete(recursive: true);
    }
}
