using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace NovaShim.System.Tests;

/// <summary>The whole main job with every log at its lowest level: passwords, tokens, sessions and private keys are in none of its lines.</summary>
public sealed partial class SecretsTests
{
    private const string Password = "pw-of-the-operator-4711";
    private const string WrongPassword = "pw-that-is-wrong-0815";

    [Fact]
    public async Task Nothing_secret_is_logged_at_any_level()
    {
        await using var hosts = await TwoXenServers.StartAsync();
        await using var shim = await hosts.StartShimAsync(
            $"identity:users:0:password={Password}", "logging:LogLevel:Default=Trace", "logging:LogLevel:Microsoft.AspNetCore=Trace", "logging:LogLevel:Microsoft.Extensions=Trace",
            "logging:LogLevel:System=Trace", "hosts:0:settings:use_agent=true", "hosts:1:settings:use_agent=true");
        using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString(), Login = ("operator", Password, "operators") };
        using var http = new HttpClient { BaseAddress = new Uri(nova.Url) };
        await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 2, () => shim.Output);
        Secrets secrets = new();
        secrets.Add("the user's password", Password);
        secrets.Add("a wrong password", WrongPassword);
        foreach (var host in hosts.Facts)
        {
            secrets.Add("a host's password", host["password"]!.ToString());
            secrets.AddKey("a host's private key", await File.ReadAllTextAsync(host["ssh_private_key_file"]!.ToString()));
        }

        // Every way to log in, well and badly: what cannot be read is not quoted either.
        secrets.Add("a v3 token", (await LogInAsync(http, Password)).Headers.GetValues("X-Subject-Token").Single());
        secrets.Add("a v1.1 token", (await LogInOldAsync(http, Password)).Headers.GetValues("X-Auth-Token").Single());
        secrets.Add("a v2.0 token", await LogInSecondAsync(http));
        Assert.Equal(401, (int)(await LogInAsync(http, WrongPassword)).StatusCode);
        Assert.Equal(401, (int)(await LogInOldAsync(http, WrongPassword)).StatusCode);
        using var half = new StringContent($$"""{"auth": {"identity": {"password": "{{WrongPassword}}" """, Encoding.UTF8, "application/json");
        Assert.Equal(400, (int)(await http.PostAsync(new Uri("/identity/v3/auth/tokens", UriKind.Relative), half)).StatusCode);

        secrets.AddKey("the key pair's private key", (await nova.SendAsync(HttpMethod.Post, "/v2.1/os-keypairs", """{"keypair": {"name": "k"}}"""))["keypair"]!["private_key"]!.ToString());
        using var watching = new CancellationTokenSource();
        var keys = WatchKeysAsync(hosts.Folder, watching.Token);

        const string Given = "pw-of-the-server-2342";
        secrets.Add("the server's password", Given);
        secrets.Add("the server's data", "secret-of-the-user-data");
        secrets.Add("the server's file", "secret-of-the-file");
        secrets.Add("the server's file, encoded", Convert.ToBase64String("secret-of-the-file"u8));
        var body = new JsonObject
        {
            ["config_drive"] = true, ["personality"] = new JsonArray(new JsonObject { ["path"] = "/root/file", ["contents"] = Convert.ToBase64String("secret-of-the-file"u8) }),
            ["name"] = "s", ["imageRef"] = TwoXenServers.Image, ["flavorRef"] = "1", ["adminPass"] = Given, ["key_name"] = "k",
            ["user_data"] = Convert.ToBase64String("secret-of-the-user-data"u8),
        };
        secrets.Add("the server's data, encoded", body["user_data"]!.ToString());
        var created = await nova.SendAsync(HttpMethod.Post, "/v2.1/servers", new JsonObject { ["server"] = body }.ToJsonString());
        var server = created["server"]!["id"]!.ToString();
        await nova.UntilAsync(server, "ACTIVE");
        await MoveAsync("""{"resize": {"flavorRef": "2"}}""", "VERIFY_RESIZE");
        await MoveAsync("""{"revertResize": null}""", "ACTIVE");
        await MoveAsync("""{"resize": {"flavorRef": "2"}}""", "VERIFY_RESIZE");
        await MoveAsync("""{"confirmResize": null}""", "ACTIVE");
        const string Changed = "pw-of-the-server-3453";
        secrets.Add("the server's next password", Changed);
        await nova.ActAsync(server, $$$"""{"changePassword": {"adminPass": "{{{Changed}}}"}}""");
        await Eventually.Async(async () => (await nova.ShowAsync(server))["OS-EXT-STS:task_state"] is null, () => shim.Output);
        secrets.Add("a password for the rescue", (await nova.ActAsync(server, """{"rescue": {}}"""))["adminPass"]!.ToString());
        await nova.UntilAsync(server, "RESCUE");
        await nova.TryAsync(HttpMethod.Post, $"/v2.1/servers/{server}/action", $$$"""{"changePassword": {"adminPass": "{{{WrongPassword}}}"}}""");

        await watching.CancelAsync();
        var copied = await keys;
        Assert.Equal(2, copied.Count);
        foreach (var key in copied)
        {
            secrets.AddKey("a migration's private key", key);
        }

        // The sessions by the hosts' own account of who did what.
        var sessions = SessionPattern().Matches(hosts.Output).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.NotEmpty(sessions);
        sessions.ForEach(s => secrets.Add("a host's session", s));

        Assert.Contains(" trace ", shim.Output, StringComparison.Ordinal);
        Assert.Contains("Request starting", shim.Output, StringComparison.Ordinal);
        Assert.Empty(secrets.In(shim.Output));

        async Task MoveAsync(string action, string state)
        {
            await nova.ActAsync(server, action);
            await nova.UntilAsync(server, state);
        }
    }

    private static Task<HttpResponseMessage> LogInAsync(HttpClient http, string password) => http.PostAsync(
        new Uri("/identity/v3/auth/tokens", UriKind.Relative),
        JsonContent.Create(JsonNode.Parse($$$$$$$"""{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "operator", "password": "{{{{{{{password}}}}}}}", "domain": {"id": "default"}}}}}}""")));

    private static async Task<HttpResponseMessage> LogInOldAsync(HttpClient http, string password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1.1/");
        request.Headers.Add("X-Auth-User", "operator");
        request.Headers.Add("X-Auth-Key", password);
        return await http.SendAsync(request);
    }

    private static async Task<string> LogInSecondAsync(HttpClient http)
    {
        var login = JsonNode.Parse($$$$"""{"auth": {"tenantName": "operators", "passwordCredentials": {"username": "operator", "password": "{{{{Password}}}}"}}}""");
        using var answer = await http.PostAsync(new Uri("/identity/v2.0/tokens", UriKind.Relative), JsonContent.Create(login));
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["access"]!["token"]!["id"]!.ToString();
    }

    // A migration's private key is in its source's dom0 while the migration lasts.
    private static async Task<IReadOnlyCollection<string>> WatchKeysAsync(string folder, CancellationToken ended)
    {
        var found = new Dictionary<string, string>();
        while (!ended.IsCancellationRequested)
        {
            foreach (var home in Directory.EnumerateDirectories(folder, ".novashim", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true }))
            {
                foreach (var key in Directory.EnumerateDirectories(home).Select(d => Path.Combine(d, "key")).Where(File.Exists))
                {
                    try
                    {
                        found[key] = await File.ReadAllTextAsync(key, CancellationToken.None);
                    }
                    catch (IOException)
                    {
                        // The migration has just ended.
                    }
                }
            }

            await Task.Delay(100, CancellationToken.None);
        }

        return found.Values;
    }

    [GeneratedRegex(@"Deed: \S+ by (OpaqueRef:\S+)")]
    private static partial Regex SessionPattern();

    /// <summary>What must not be found, and what it is.</summary>
    private sealed class Secrets
    {
        private readonly List<(string What, string Text)> _all = [];

        public void Add(string what, string text)
        {
            Assert.True(text.Length >= 8, $"{what} is too short to be searched for");
            _all.Add((what, text));
        }

        /// <summary>Each line of a private key, without those that say that it is one.</summary>
        public void AddKey(string what, string pem)
        {
            var lines = pem.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(l => !l.StartsWith("-----", StringComparison.Ordinal)).ToList();
            Assert.NotEmpty(lines);
            lines.Where(l => l.Length >= 8).ToList().ForEach(l => Add(what, l));
        }

        /// <summary>Which of them a text holds, with the line.</summary>
        public IReadOnlyList<string> In(string text) => [.. from line in text.Split('\n') from secret in _all where line.Contains(secret.Text, StringComparison.Ordinal) select $"{secret.What}: {line}"];
    }
}
