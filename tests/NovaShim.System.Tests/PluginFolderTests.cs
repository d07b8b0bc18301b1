using System.Text.Json.Nodes;

namespace NovaShim.System.Tests;

/// <summary>A plugin's folder is dropped in while the program runs, and a broken one beside it.</summary>
public sealed class PluginFolderTests
{
    [Fact]
    public async Task A_plugin_dropped_in_drives_its_hosts_and_a_broken_one_harms_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("novashim-plugins-");
        var plugins = folder.CreateSubdirectory("plugins");
        var image = Path.Combine(folder.FullName, "image.raw");
        await File.WriteAllBytesAsync(image, new byte[4096]);
        var configuration = new JsonObject
        {
            ["data"] = Path.Combine(folder.FullName, "data"),
            ["api"] = new JsonObject { ["urls"] = "http://127.0.0.1:0" },
            ["plugins"] = new JsonObject { ["path"] = plugins.FullName },
            ["identity"] = new JsonObject { ["users"] = new JsonArray(new JsonObject { ["name"] = "operator", ["password"] = "secret", ["project"] = "operators", ["admin"] = true }) },
            ["images"] = new JsonArray(new JsonObject { ["id"] = TwoXenServers.Image, ["name"] = "i", ["path"] = image, ["disk_format"] = "raw" }),
            ["hosts"] = new JsonArray(new JsonObject { ["name"] = "fake1", ["driver"] = "fake" }, new JsonObject { ["name"] = "fake2", ["driver"] = "fake" }),
        };
        var file = Path.Combine(folder.FullName, "novashim.json");
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        await using (var shim = await BuiltProgram.StartAsync(BuiltProgram.NovaShim, Path.Combine(folder.FullName, "ready.json"), "serve", "--config", file))
        {
            using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString() };
            Assert.Empty((await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray());

            var broken = plugins.CreateSubdirectory("Broken");
            await File.WriteAllTextAsync(Path.Combine(broken.FullName, "Broken.dll"), "this is no assembly");
            CopyFolder(Path.Combine(BuiltProgram.Plugins, "Fake"), plugins.CreateSubdirectory("Fake").FullName);

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
                    rows = (await nova.SendAsync(HttpMethod.Get, "/odata/v1/Plugins?$orderby=name"))["value"]!.AsArray();
                    return rows.Count == 2 && rows[0]!["state"]!.ToString() == "refused" && rows[1]!["state"]!.ToString() == "loaded";
                },
                () => rows.ToJsonString());
            Assert.DoesNotContain('\n', rows[0]!["message"]!.ToString());
            Assert.NotEmpty(rows[0]!["message"]!.ToString());
        }

        folder.Delete(recursive: true);
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
