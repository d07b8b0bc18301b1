using System.Text.Json.Nodes;
using NovaShim.Plugins.Tests;

namespace NovaShim.System.Tests;

/// <summary>A plugin's folder is dropped in while the program runs, and a broken one beside it.</summary>
public sealed class PluginFolderTests(OutsidePluginBuild outside) : IClassFixture<OutsidePluginBuild>
{
    [Fact]
    public Task The_fake_plugin_dropped_in_drives_its_hosts() => DropInAsync("fake", BuiltTree.FakePlugin, "Fake");

    [Fact]
    public Task A_plugin_built_outside_of_the_solution_works_the_same() => DropInAsync("outside", outside.Output, "OutsidePlugin");

    private static async Task DropInAsync(string driver, string built, string name)
    {
        var folder = Directory.CreateTempSubdirectory("novashim-plugins-");
        var plugins = folder.CreateSubdirectory("plugins");
        var image = Path.Combine(folder.FullName, "image.raw");
        await File.WriteAllBytesAsync(image, new byte[4096]);
        JsonObject Host(string host) => new() { ["name"] = host, ["driver"] = driver, ["settings"] = new JsonObject { ["root"] = folder.CreateSubdirectory("hosts").FullName } };
        var configuration = new JsonObject
        {
            ["data"] = Path.Combine(folder.FullName, "data"),
            ["api"] = new JsonObject { ["urls"] = "http://127.0.0.1:0" },
            ["plugins"] = new JsonObject { ["path"] = plugins.FullName },
            ["identity"] = new JsonObject { ["users"] = new JsonArray(new JsonObject { ["name"] = "operator", ["password"] = "secret", ["project"] = "operators", ["admin"] = true }) },
            ["images"] = new JsonArray(new JsonObject { ["id"] = TwoXenServers.Image, ["name"] = "i", ["path"] = image, ["disk_format"] = "raw" }),
            ["hosts"] = new JsonArray(Host("one"), Host("two")),
        };
        var file = Path.Combine(folder.FullName, "novashim.json");
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        await using (var shim = await BuiltProgram.StartAsync(BuiltProgram.NovaShim, Path.Combine(folder.FullName, "ready.json"), "serve", "--config", file))
        {
            using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString() };
            Assert.Empty((await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray());

            var broken = plugins.CreateSubdirectory("Broken");
            await File.WriteAllTextAsync(Path.Combine(broken.FullName, "Broken.dll"), "this is no assembly");
            BuiltTree.Copy(built, Path.Combine(plugins.FullName, name));

            await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 2, () => shim.Output);
            var server = await nova.BootAsync(TwoXenServers.Image, "1");
            await nova.ActAsync(server, """{"resize": {"flavorRef": "2"}}""");
            await nova.UntilAsync(server, "VERIFY_RESIZE");
            await nova.ActAsync(server, """{"confirmResize": null}""");
            await nova.UntilAsync(server, "ACTIVE");

            JsonArray rows = [];
            await Eventually.Async(
                async () =>
                {
                    rows = (await nova.SendAsync(HttpMethod.Get, "/odata/v1/Plugins?$orderby=state desc"))["value"]!.AsArray();
                    return rows.Count == 2 && rows[0]!["state"]!.ToString() == "refused" && rows[1]!["state"]!.ToString() == "loaded";
                },
                () => rows.ToJsonString());
            Assert.DoesNotContain('\n', rows[0]!["message"]!.ToString());
            Assert.NotEmpty(rows[0]!["message"]!.ToString());
            Assert.Equal(driver, rows[1]!["driver"]!.ToString());
        }

        folder.Delete(recursive: true);
    }
}
