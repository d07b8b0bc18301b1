using System.CommandLine;
using System.Net;
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
    private readonly (string Identity, string User, string Password, string Project) _credentials;
    private string? _token;
    private Uri? _program;

    private AdminClient(string data) => _credentials = Credentials(data);

    /// <summary>The option that names the data folder of the program to ask.</summary>
    public static Option<string> DataOption() => new("--data")
    {
        Description = "The data folder of the running program; its admin.json says where it listens. OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME come first.",
        DefaultValueFactory = _ => Composition.DefaultData,
        HelpName = "DIR",
    };

    /// <summary>Asks one question of the program and hands the answer's rows on. What can go wrong is said in one line.</summary>
    /// <returns>The exit status: 0, or 1 with the reason on standard error.</returns>
    public static Task<int> AskAsync(string data, string path, Action<JsonArray> show, CancellationToken cancellation) => RunAsync(
        data,
        async client =>
        {
            show(await client.GetRowsAsync(path, cancellation));
            return 0;
        },
        cancellation);

    /// <summary>Does one thing at the program.</summary>
    /// <returns>The exit status: 0, or 1 with the reason on standard error.</returns>
    public static Task<int> DoAsync(string data, HttpMethod method, string path, JsonNode? body, string done, CancellationToken cancellation) => RunAsync(
        data,
        async client =>
        {
            await client.SendAsync(method, path, body, cancellation);
            Console.WriteLine(done);
            return 0;
        },
        cancellation);

    /// <summary>Talks to the program. What can go wrong is said in one line.</summary>
    /// <returns>What <paramref name="talk"/> returns, or 1 with the reason on standard error.</returns>
    public static async Task<int> RunAsync(string data, Func<AdminClient, Task<int>> talk, CancellationToken cancellation)
    {
        try
        {
            using var client = new AdminClient(data);
            return await talk(client);
        }
        catch (Exception e) when (e is HttpRequestException or InvalidOperationException or InvalidDataException or JsonException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"novashim: {e.Message}");
            return 1;
        }
    }

    /// <summary>The rows that an OData path names.</summary>
    public async Task<JsonArray> GetRowsAsync(string path, CancellationToken cancellation) => (await SendAsync(HttpMethod.Get, path, body: null, cancellation))?["value"] as JsonArray ?? [];

    /// <summary>Sends a request and returns the answer's document, if it has one. Throws <see cref="InvalidOperationException"/> with what the program says when it refuses.</summary>
    public async Task<JsonNode?> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellation)
    {
        for (var again = false; ; again = true)
        {
            _token ??= await LogInAsync(cancellation);
            using var request = new HttpRequestMessage(method, new Uri(_program!, path));
            request.Headers.Add("X-Auth-Token", _token);
            request.Content = body is null ? null : JsonContent.Create(body);
            using var answer = await _http.SendAsync(request, cancellation);
            var text = await answer.Content.ReadAsStringAsync(cancellation);
            if (answer.IsSuccessStatusCode)
            {
                return text.Length == 0 ? null : JsonNode.Parse(text);
            }

            if (answer.StatusCode != HttpStatusCode.Unauthorized || again)
            {
                throw new InvalidOperationException(FaultOf(text) ?? $"{path}: HTTP {(int)answer.StatusCode} {text}");
            }

            // What is watched for long outlives a token.
            _token = null;
        }
    }

    public void Dispose() => _http.Dispose();

    // A fault is one member with a message in it, whatever it is called.
    private static string? FaultOf(string text)
    {
        try
        {
            return (JsonNode.Parse(text) as JsonObject)?.Select(m => (m.Value as JsonObject)?["message"]?.ToString()).FirstOrDefault(m => m is not null);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task<string> LogInAsync(CancellationToken cancellation)
    {
        var (identity, user, password, project) = _credentials;
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

        // The program is where compute is; its identity may be somebody else's.
        var catalog = (await answer.Content.ReadFromJsonAsync<JsonObject>(cancellation))?["token"]?["catalog"] as JsonArray;
        var compute = (catalog?.FirstOrDefault(s => s?["type"]?.ToString() == "compute")?["endpoints"] as JsonArray)?.FirstOrDefault(e => e?["interface"]?.ToString() == "public")?["url"]?.ToString();
        _program = new Uri(compute ?? identity);
        return tokens.First();
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
