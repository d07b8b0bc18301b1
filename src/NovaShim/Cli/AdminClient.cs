using System.CommandLine;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NovaShim.Cli;

/// <summary>
/// How the command line asks a running program: as its administrator, over its own admin API. Who that is comes from the usual <c>OS_…</c> variables, else from the <c>admin.json</c> of the data folder.
/// </summary>
internal sealed class AdminClient : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>The option that names the data folder of the program to ask.</summary>
    public static Option<string> DataOption() => new("--data")
    {
        Description = "The data folder of the running program; its admin.json says where it listens. OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME come first.",
        DefaultValueFactory = _ => Composition.DefaultData,
        HelpName = "DIR",
    };

    /// <summary>Asks one question of the program and hands the answer's rows on. What can go wrong is said in one line.</summary>
    /// <returns>The exit status: 0, or 1 with the reason on standard error.</returns>
    public static async Task<int> AskAsync(string data, string path, Action<JsonArray> show, CancellationToken cancellation)
    {
        try
        {
            using var client = new AdminClient();
            show(await client.GetRowsAsync(data, path, cancellation));
            return 0;
        }
        catch (Exception e) when (e is HttpRequestException or InvalidOperationException or JsonException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"novashim: {e.Message}");
            return 1;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonArray> GetRowsAsync(string data, string path, CancellationToken cancellation)
    {
        var (identity, user, password, project) = Credentials(data);
        var login = new JsonObject
        {
            ["auth"] = new JsonObject
            {
                ["identity"] = new JsonObject
                {
                    ["methods"] = new JsonArray("password"),
                    ["password"] = new JsonObject { ["user"] = new JsonObject { ["name"] = user, ["password"] = password, ["domain"] = new JsonObject { ["name"] = "Default" } } },
                },
                ["scope"] = new JsonObject { ["project"] = new JsonObject { ["name"] = project, ["domain"] = new JsonObject { ["name"] = "Default" } } },
            },
        };
        using var answer = await _http.PostAsync(new Uri($"{identity}/auth/tokens"), JsonContent.Create(login), cancellation);
        if (!answer.IsSuccessStatusCode || !answer.Headers.TryGetValues("X-Subject-Token", out var tokens))
        {
            throw new InvalidOperationException($"{user} could not log in at {identity}: HTTP {(int)answer.StatusCode}.");
        }

        using var question = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(identity), path));
        question.Headers.Add("X-Auth-Token", tokens.First());
        using var rows = await _http.SendAsync(question, cancellation);
        var body = await rows.Content.ReadAsStringAsync(cancellation);
        if (!rows.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{path}: HTTP {(int)rows.StatusCode} {body}");
        }

        return JsonNode.Parse(body)?["value"] as JsonArray ?? [];
    }

    private static (string Identity, string User, string Password, string Project) Credentials(string data)
    {
        var (url, user, password, project) = (Environment.GetEnvironmentVariable("OS_AUTH_URL"), Environment.GetEnvironmentVariable("OS_USERNAME"), Environment.GetEnvironmentVariable("OS_PASSWORD"), Environment.GetEnvironmentVariable("OS_PROJECT_NAME"));
        if (url is not null && user is not null && password is not null && project is not null)
        {
            return (url.TrimEnd('/'), user, password, project);
        }

        return AdminCredentials.Read(data) is { IdentityUrl: { } identity, Password: { } secret } admin
            ? (identity, admin.Username, secret, admin.Project)
            : throw new InvalidOperationException($"No program to ask: {Path.Combine(data, "admin.json")} does not name one, and OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME are not all set.");
    }
}
