using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using NovaShim.Api.Faults;

namespace NovaShim.Api.Identity.Keystone;

/// <summary>
/// Asks an external Keystone: what a token is worth, and for tokens. A clear no is a null; whatever else is no answer ends in a 503, because not to know is no reason to send a user away.
/// </summary>
internal sealed partial class KeystoneClient(HttpClient http, KeystoneOptions options, TimeProvider time, ILogger<KeystoneClient> log) : IDisposable
{
    private const int RetryAfterSeconds = 5;
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _loggingIn = new(1, 1);
    private KeystoneService? _service;

    /// <summary>What a token says, or null when it is not valid.</summary>
    public async Task<KeystoneToken?> ValidateAsync(string secret, CancellationToken cancellation)
    {
        for (var again = false; ; again = true)
        {
            // Where there is no service user, the token asks about itself: Keystone lets it.
            var asking = options.UserName is null ? secret : (await ServiceAsync(cancellation)).Secret;
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.Url + "/auth/tokens?nocatalog"));
            request.Headers.TryAddWithoutValidation("X-Auth-Token", asking);
            request.Headers.TryAddWithoutValidation("X-Subject-Token", secret);
            using var answer = await SendAsync(request, cancellation);
            switch (answer.StatusCode)
            {
                case HttpStatusCode.OK:
                    return (await ReadAsync(answer, KeystoneJson.Default.KeystoneTokenEnvelope, cancellation)).Token ?? throw Away("its answer has no token");
                case HttpStatusCode.NotFound:
                    return null;
                case HttpStatusCode.Unauthorized when options.UserName is null:
                    return null;
                case HttpStatusCode.Unauthorized when !again:
                    // The service user's own token has ended before its time.
                    _service = null;
                    break;
                default:
                    throw Away($"asked about a token it says {(int)answer.StatusCode}");
            }
        }
    }

    /// <summary>The service user's token, and with it the catalog: the one of before while it lasts. Only where there is a service user.</summary>
    public async Task<KeystoneService> ServiceAsync(CancellationToken cancellation)
    {
        if (_service is { } known && known.Until > time.GetUtcNow())
        {
            return known;
        }

        await _loggingIn.WaitAsync(cancellation);
        try
        {
            if (_service is { } meanwhile && meanwhile.Until > time.GetUtcNow())
            {
                return meanwhile;
            }

            var project = new KeystoneProject(null, options.Project, Named(options.ProjectDomain));
            if (await LogInAsync(options.UserName!, options.Password, project, cancellation) is not { } issued)
            {
                LogRefused(options.UserName!, options.Url);
                throw Away("the service user is refused");
            }

            return _service = new KeystoneService(issued.Secret, (issued.Token.ExpiresAt ?? time.GetUtcNow() + Margin + Margin) - Margin, issued.Token.Catalog ?? []);
        }
        finally
        {
            _loggingIn.Release();
        }
    }

    /// <summary>The service user's token has been refused, or its catalog is out of date: the next time there is another.</summary>
    public void Forget(KeystoneService service) => Interlocked.CompareExchange(ref _service, null, service);

    /// <summary>A token for a name and a password, or null when they are not right or the user is nothing in the project.</summary>
    /// <param name="user">The name.</param>
    /// <param name="password">The password.</param>
    /// <param name="project">The project; null: the user's own.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task<(string Secret, KeystoneToken Token)?> LogInAsync(string user, string password, KeystoneProject? project, CancellationToken cancellation) =>
        IssueAsync(new KeystoneProof(["password"], new KeystonePassword(new KeystoneUser(user, Named(options.UserDomain), password)), null), project, cancellation);

    /// <summary>A token for another project for one that is valid, or null when that is refused.</summary>
    public Task<(string Secret, KeystoneToken Token)?> RescopeAsync(string secret, KeystoneProject project, CancellationToken cancellation) =>
        IssueAsync(new KeystoneProof(["token"], null, new KeystoneReference(secret, null)), project, cancellation);

    /// <summary>The ids of the projects that a token's user may use.</summary>
    public async Task<IReadOnlyList<string>> ProjectsAsync(string secret, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.Url + "/auth/projects"));
        request.Headers.TryAddWithoutValidation("X-Auth-Token", secret);
        using var answer = await SendAsync(request, cancellation);
        return answer.IsSuccessStatusCode
            ? [.. ((await ReadAsync(answer, KeystoneJson.Default.KeystoneProjects, cancellation)).Projects ?? []).Select(p => p.Id).OfType<string>()]
            : throw Away($"asked for a user's projects it says {(int)answer.StatusCode}");
    }

    /// <inheritdoc/>
    public void Dispose() => _loggingIn.Dispose();

    private static KeystoneReference Named(string name) => new(null, name);

    private async Task<(string Secret, KeystoneToken Token)?> IssueAsync(KeystoneProof proof, KeystoneProject? project, CancellationToken cancellation)
    {
        var login = new KeystoneLogin(new KeystoneAuth(proof, project is null ? null : new KeystoneScope(project)));

        // Of a known length: what Keystone runs in seldom reads a body that comes in chunks.
        var body = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(login, KeystoneJson.Default.KeystoneLogin)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.Url + "/auth/tokens")) { Content = body };
        using var answer = await SendAsync(request, cancellation);
        if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.BadRequest)
        {
            return null;
        }

        return answer.IsSuccessStatusCode && answer.Headers.TryGetValues("X-Subject-Token", out var secrets)
                && (await ReadAsync(answer, KeystoneJson.Default.KeystoneTokenEnvelope, cancellation)).Token is { } token
            ? (secrets.First(), token)
            : throw Away($"asked for a token it says {(int)answer.StatusCode}");
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(options.TimeoutSeconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            // With its body: an answer is short, and one that stops in the middle is none.
            return await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, either.Token);
        }
        catch (HttpRequestException e)
        {
            throw Away(e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Away($"it has said nothing for {options.TimeoutSeconds} seconds");
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancellation) where T : class
    {
        try
        {
            return await answer.Content.ReadFromJsonAsync(type, cancellation) ?? throw Away("its answer is empty");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw Away($"its answer cannot be understood: {e.Message}");
        }
    }

    private FaultException Away(string why)
    {
        LogAway(options.Url, why);
        return new FaultException(StatusCodes.Status503ServiceUnavailable, "The identity service does not answer. Please try again later.") { RetryAfter = RetryAfterSeconds };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Keystone at {Url} cannot be asked: {Why}")]
    private partial void LogAway(Uri url, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "Keystone at {Url} refuses the service user {User}: identity:keystone:username, password, project and the domains are to be looked at")]
    private partial void LogRefused(string user, Uri url);
}
