using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;

namespace NovaShim.XenServer.XenApi;

/// <summary>
/// A session with a pool's master. It logs in when first needed, again when XenServer has forgotten it, and goes to the master when it was sent to another
/// member. Safe for concurrent use.
/// </summary>
internal sealed partial class Session(XenServerSettings settings, TimeProvider time, ILogger<Session> log) : IAsyncDisposable
{
    private const string Version = "1.1";
    private const string Originator = "novashim";
    private const int MaxLogins = 3;
    private const int MaxRedirects = 3;

    private readonly JsonRpcTransport _transport = new(settings.TlsCertificateSha256, settings.CommandTimeout, time);
    private readonly SemaphoreSlim _login = new(1, 1);
    private Uri _url = settings.Url;
    private string? _reference;

    /// <summary>The clock that tasks are waited for by.</summary>
    public TimeProvider Time { get; } = time;

    /// <summary>How long a task may take unless its caller says otherwise.</summary>
    public TimeSpan TaskTimeout { get; } = settings.TaskTimeout;

    /// <summary>Calls a message of XenAPI and reads its result.</summary>
    /// <param name="method">Class and message, such as <c>VM.get_record</c>.</param>
    /// <param name="type">How to read the result.</param>
    /// <param name="cancellation">Ends the waiting, not what XenServer has begun.</param>
    /// <param name="parameters">The parameters after the session.</param>
    /// <exception cref="Failure">XenServer refused.</exception>
    public async Task<T> CallAsync<T>(string method, JsonTypeInfo<T> type, CancellationToken cancellation, params JsonNode?[] parameters)
    {
        var result = await CallAsync(method, parameters, cancellation);
        try
        {
            return result.Deserialize(type) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new HttpRequestException($"XenServer's answer to {method} is not of the expected form: {e.Message}", e);
        }
    }

    /// <summary>Calls a message without a result.</summary>
    public Task CallAsync(string method, CancellationToken cancellation, params JsonNode?[] parameters) => CallAsync(method, parameters, cancellation);

    /// <summary>Sends a disk to an HTTP handler under this session.</summary>
    public async Task PutAsync(string pathAndQuery, Func<CancellationToken, Task<Stream>> open, long length, TimeSpan timeout, CancellationToken cancellation)
    {
        // A call first: it renews a session that has been forgotten, which the handler would not.
        await CallAsync("pool.get_all", [], cancellation);
        var reference = await LoginAsync(stale: null, cancellation);
        await _transport.PutAsync(new Uri(_url, $"{pathAndQuery}&session_id={Uri.EscapeDataString(reference)}"), open, length, timeout, cancellation);
    }

    /// <summary>Fetches a disk from an HTTP handler under this session.</summary>
    public async Task GetAsync(string pathAndQuery, Stream to, TimeSpan timeout, TimeSpan idle, CancellationToken cancellation)
    {
        await CallAsync("pool.get_all", [], cancellation);
        var reference = await LoginAsync(stale: null, cancellation);
        await _transport.GetAsync(new Uri(_url, $"{pathAndQuery}&session_id={Uri.EscapeDataString(reference)}"), to, timeout, idle, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_reference is { } reference)
        {
            try
            {
                await _transport.CallAsync(_url, "session.logout", [reference], CancellationToken.None);
            }
            catch (Exception e) when (e is Failure or HttpRequestException or TimeoutException)
            {
                LogLogoutFailed(_url, e.Message);
            }
        }

        _transport.Dispose();
        _login.Dispose();
    }

    private async Task<JsonElement> CallAsync(string method, JsonNode?[] parameters, CancellationToken cancellation)
    {
        string? stale = null;
        for (var logins = 0; ; logins++)
        {
            var reference = await LoginAsync(stale, cancellation);
            try
            {
                return await _transport.CallAsync(_url, method, [reference, .. parameters], cancellation);
            }
            catch (Failure f) when (f.Code == Failure.SESSION_INVALID && logins < MaxLogins)
            {
                LogSessionLost(_url);
                stale = reference;
            }
        }
    }

    private async Task<string> LoginAsync(string? stale, CancellationToken cancellation)
    {
        if (_reference is { } known && known != stale)
        {
            return known;
        }

        await _login.WaitAsync(cancellation);
        try
        {
            if (_reference is { } renewed && renewed != stale)
            {
                return renewed;
            }

            for (var redirects = 0; ; redirects++)
            {
                try
                {
                    var result = await _transport.CallAsync(_url, "session.login_with_password", [settings.Username, settings.Password, Version, Originator], cancellation);
                    return _reference = result.GetString()!;
                }
                catch (Failure f) when (f.Code == Failure.HOST_IS_SLAVE && f.ErrorDescription.Count > 1 && redirects < MaxRedirects)
                {
                    _url = new UriBuilder(_url) { Host = f.ErrorDescription[1] }.Uri;
                    LogRedirected(_url);
                }
            }
        }
        finally
        {
            _login.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "XenServer at {Url} has forgotten the session: logging in again")]
    private partial void LogSessionLost(Uri url);

    [LoggerMessage(Level = LogLevel.Information, Message = "The pool's master is {Url}")]
    private partial void LogRedirected(Uri url);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Could not log out of XenServer at {Url}: {Reason}")]
    private partial void LogLogoutFailed(Uri url, string reason);
}
