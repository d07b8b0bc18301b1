using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace NovaShim.System.Tests;

/// <summary>An administrator with a token, over HTTP. A program that is away for a moment is asked again.</summary>
internal sealed class NovaClient : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(100) };
    private string? _token;

    /// <summary>Where the API is now; a restarted program may listen elsewhere.</summary>
    public string Url { get; set; } = "";

    /// <summary>Who logs in: the administrator of most tests' configuration, unless said otherwise.</summary>
    public (string User, string Password, string Project) Login { get; init; } = ("operator", "secret", "operators");

    public void Dispose() => _http.Dispose();

    public async Task<string> BootAsync(string image, string flavor)
    {
        var answer = await SendAsync(HttpMethod.Post, "/v2.1/servers", $$$"""{"server": {"name": "s", "imageRef": "{{{image}}}", "flavorRef": "{{{flavor}}}"}}""");
        var id = answer["server"]!["id"]!.ToString();
        await UntilAsync(id, "ACTIVE");
        return id;
    }

    public Task<JsonNode> ActAsync(string server, string action) => SendAsync(HttpMethod.Post, $"/v2.1/servers/{server}/action", action);

    public async Task<JsonNode> ShowAsync(string server) => (await SendAsync(HttpMethod.Get, $"/v2.1/servers/{server}"))["server"]!;

    /// <summary>Waits until the server has one of the states and is idle.</summary>
    public async Task<JsonNode> UntilAsync(string server, params string[] states)
    {
        JsonNode? seen = null;
        await Eventually.Async(
            async () =>
            {
                seen = await ShowAsync(server);
                return states.Contains(seen["status"]!.ToString()) && seen["OS-EXT-STS:task_state"] is null;
            },
            () => $"the server is {seen}");
        return seen!;
    }

    /// <summary>Sends a request; throws with the answer when it is no success.</summary>
    public async Task<JsonNode> SendAsync(HttpMethod method, string path, string? body = null)
    {
        var (status, text) = await ExchangeAsync(method, path, body);
        Assert.True(status is >= 200 and < 300, $"{method} {path}: {status} {text}");
        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }

    /// <summary>Sends a request and returns the answer's status, whatever it is.</summary>
    public async Task<int> TryAsync(HttpMethod method, string path, string? body = null) => (await ExchangeAsync(method, path, body)).Status;

    private async Task<(int Status, string Text)> ExchangeAsync(HttpMethod method, string path, string? body)
    {
        while (true)
        {
            _token ??= await LogInAsync();
            using var request = new HttpRequestMessage(method, new Uri(Url + path));
            request.Headers.Add("X-Auth-Token", _token);
            request.Content = body is null ? null : new StringContent(body, global::System.Text.Encoding.UTF8, "application/json");
            using var answer = await _http.SendAsync(request);
            if (answer.StatusCode == HttpStatusCode.Unauthorized)
            {
                _token = null;
                continue;
            }

            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }

    private async Task<string> LogInAsync()
    {
        var login = JsonNode.Parse(
            $$$$$$"""{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "{{{{{{Login.User}}}}}}", "password": "{{{{{{Login.Password}}}}}}", "domain": {"id": "default"}}}}, "scope": {"project": {"name": "{{{{{{Login.Project}}}}}}", "domain": {"id": "default"}}}}}""");
        using var answer = await _http.PostAsync(new Uri(Url + "/identity/v3/auth/tokens"), JsonContent.Create(login));
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return answer.Headers.GetValues("X-Subject-Token").Single();
    }
}
