using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace NovaShim.System.Tests;

/// <summary>An operator makes users and projects: before the program runs, beside it, and after it has ended.</summary>
public sealed class UserCommandTests
{
    [Fact]
    public async Task Users_and_projects_are_made_changed_and_deleted_in_the_store_and_at_the_running_program()
    {
        var folder = Directory.CreateTempSubdirectory("novashim-users-");
        var config = Path.Combine(folder.FullName, "conf.json");
        var secret = Path.Combine(folder.FullName, "secret");
        await File.WriteAllTextAsync(secret, "open sesame\n");
        await File.WriteAllTextAsync(config, new JsonObject { ["data"] = folder.FullName, ["api"] = new JsonObject { ["urls"] = "http://127.0.0.1:0" } }.ToJsonString());

        // Nothing runs yet: into the store.
        await OkAsync("users", "create", "alice", "--project", "web", "--password-file", secret, "--config", config);
        Assert.Contains("same name", await RunAsync(1, "projects", "create", "web", "--config", config), StringComparison.Ordinal);
        await using (var program = await BuiltProgram.StartAsync(BuiltProgram.NovaShim, Path.Combine(folder.FullName, "ready.json"), "serve", "--config", config))
        {
            var identity = program.Ready["identity_url"]!.GetValue<string>();
            Assert.Equal(201, await LogInAsync(identity, "alice", "open sesame", "web"));
            Assert.Equal(401, await LogInAsync(identity, "alice", "wrong", "web"));

            // The store is the program's: it is asked, whether the command names its configuration or its data.
            await OkAsync("users", "create", "bob", "--project", "web", "--password-file", secret, "--config", config);
            var made = await OkAsync("users", "create", "carol", "--admin", "--data", folder.FullName);
            Assert.Equal(201, await LogInAsync(identity, "bob", "open sesame", "web"));
            Assert.Equal(201, await LogInAsync(identity, "carol", made.Trim().Split(' ')[^1], "carol"));
            var list = await OkAsync("users", "list", "--data", folder.FullName);
            Assert.Matches(@"alice .*member in web", list);
            Assert.Matches(@"carol .*admin in carol, member in carol", list);
            await OkAsync("users", "set-password", "bob", "--data", folder.FullName);
            Assert.Equal(401, await LogInAsync(identity, "bob", "open sesame", "web"));
            await OkAsync("users", "delete", "alice", "--data", folder.FullName);
            Assert.Equal(401, await LogInAsync(identity, "alice", "open sesame", "web"));
            Assert.Contains("no user", await RunAsync(1, "users", "delete", "alice", "--data", folder.FullName), StringComparison.Ordinal);
            await OkAsync("projects", "create", "spare", "--description", "for later", "--data", folder.FullName);
        }

        var projects = await OkAsync("projects", "list", "--json", "--config", config);
        Assert.Equal(["admin", "carol", "spare", "web"], JsonNode.Parse(projects)!.AsArray().Select(p => p!["name"]!.GetValue<string>()));
        await OkAsync("projects", "delete", "spare", "--config", config);
        Assert.Contains("configuration", await RunAsync(1, "users", "delete", "admin", "--config", config), StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }

    private static Task<string> OkAsync(params string[] arguments) => RunAsync(0, arguments);

    private static async Task<string> RunAsync(int status, params string[] arguments)
    {
        await using var program = await BuiltProgram.RunAsync(BuiltProgram.NovaShim, arguments);
        Assert.True(program.ExitCode == status, $"{string.Join(' ', arguments)}: {program.ExitCode}\n{program.Output}");
        return program.Output;
    }

    private static async Task<int> LogInAsync(string identity, string user, string password, string project)
    {
        using var http = new HttpClient();
        var domain = new JsonObject { ["id"] = "default" };
        using var answer = await http.PostAsJsonAsync($"{identity}/auth/tokens", new JsonObject
        {
            ["auth"] = new JsonObject
            {
                ["identity"] = new JsonObject
                {
                    ["methods"] = new JsonArray("password"),
                    ["password"] = new JsonObject { ["user"] = new JsonObject { ["name"] = user, ["password"] = password, ["domain"] = domain } },
                },
                ["scope"] = new JsonObject { ["project"] = new JsonObject { ["name"] = project, ["domain"] = domain.DeepClone() } },
            },
        });
        return (int)answer.StatusCode;
    }
}
