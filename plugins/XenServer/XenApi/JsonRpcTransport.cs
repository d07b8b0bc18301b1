using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI over JSON-RPC 2.0: one call, one POST to <c>/jsonrpc</c>; disks by HTTP PUT and GET. Every call has a deadline.</summary>
internal sealed class JsonRpcTransport : IDisposable
{
    private const int MaxAnswerBytes = 64 << 20;
    private const int BufferSize = 1 << 20;

    private static readonly JsonDocumentOptions AnswerOptions = new() { MaxDepth = 32 };

    private readonly HttpClient _http;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private int _id;

    /// <summary>A client of one host.</summary>
    /// <param name="certificateSha256">The one certificate that is taken, as hexadecimal digits; null: the system decides.</param>
    /// <param name="timeout">The deadline of one call.</param>
    /// <param name="time">The clock of the deadline.</param>
    public JsonRpcTransport(string? certificateSha256, TimeSpan timeout, TimeProvider time)
    {
        (_timeout, _time) = (timeout, time);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            ConnectTimeout = timeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            Expect100ContinueTimeout = TimeSpan.FromSeconds(5),
        };
        if (certificateSha256 is not null)
        {
            handler.SslOptions.EnabledSslProtocols = SslProtocols.None;
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is not null && string.Equals(Convert.ToHexString(SHA256.HashData(certificate.GetRawCertData())), certificateSha256, StringComparison.OrdinalIgnoreCase);
        }

        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswerBytes };
    }

    /// <summary>Makes one call and returns its result, still as JSON.</summary>
    /// <exception cref="Failure">XenServer refused.</exception>
    /// <exception cref="HttpRequestException">It could not be reached, or what answered is no XenAPI.</exception>
    /// <exception cref="TimeoutException">No answer within the deadline.</exception>
    public async Task<JsonElement> CallAsync(Uri host, string method, IEnumerable<JsonNode?> parameters, CancellationToken cancellation)
    {
        var request = new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["method"] = method,
            ["params"] = new JsonArray([.. parameters.Select(p => p?.DeepClone())]),
            ["id"] = Interlocked.Increment(ref _id),
        };
        using var content = new StringContent(request.ToJsonString(), new MediaTypeHeaderValue("application/json", "utf-8"));
        using var deadline = new Deadline(_timeout, _time, cancellation);
        byte[] body;
        try
        {
            using var response = await _http.PostAsync(new Uri(host, "/jsonrpc"), content, deadline.Token);
            body = await response.Content.ReadAsByteArrayAsync(deadline.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw new HttpRequestException($"XenServer at {host} answered {method} with HTTP {(int)response.StatusCode}.", inner: null, response.StatusCode);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"XenServer at {host} did not answer {method} within {_timeout.TotalSeconds:0.#} s.");
        }
        catch (HttpRequestException e) when (e.StatusCode is null)
        {
            throw new HttpRequestException($"XenServer at {host} cannot be reached: {e.Message}", e);
        }

        return Answer(host, method, body);
    }

    /// <summary>Sends a disk to XenServer's HTTP handler, following its redirect to the host that sees the storage.</summary>
    /// <param name="uri">The handler with its query.</param>
    /// <param name="open">Opens the body from its start.</param>
    /// <param name="length">The body's length in bytes.</param>
    /// <param name="timeout">How long the whole transfer may take.</param>
    /// <param name="cancellation">Ends the transfer.</param>
    public async Task PutAsync(Uri uri, Func<CancellationToken, Task<Stream>> open, long length, TimeSpan timeout, CancellationToken cancellation)
    {
        using var deadline = new Deadline(timeout, _time, cancellation);
        for (var redirects = 0; ; redirects++)
        {
            await using var body = await open(deadline.Token);
            using var content = new StreamContent(body, BufferSize);
            content.Headers.ContentLength = length;
            using var request = new HttpRequestMessage(HttpMethod.Put, uri) { Content = content };
            request.Headers.ExpectContinue = true;
            try
            {
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
                if (response.IsSuccessStatusCode)
                {
                    return;
                }

                if (response.StatusCode is HttpStatusCode.Found or HttpStatusCode.TemporaryRedirect && response.Headers.Location is { } location && redirects < 3)
                {
                    uri = new Uri(uri, location);
                    continue;
                }

                throw new HttpRequestException($"XenServer refused the image with HTTP {(int)response.StatusCode}.", inner: null, response.StatusCode);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new TimeoutException($"The image was not imported within {timeout.TotalSeconds:0} s.");
            }
        }
    }

    /// <summary>Fetches a disk from XenServer's HTTP handler, following its redirect to the host that sees the storage. That the answer has ended does not say that it is whole.</summary>
    /// <param name="uri">The handler with its query.</param>
    /// <param name="to">Where the bytes go.</param>
    /// <param name="timeout">How long the whole transfer may take.</param>
    /// <param name="idle">How long it may stand still.</param>
    /// <param name="cancellation">Ends the transfer.</param>
    public async Task GetAsync(Uri uri, Stream to, TimeSpan timeout, TimeSpan idle, CancellationToken cancellation)
    {
        using var deadline = new Deadline(timeout, _time, cancellation);
        for (var redirects = 0; ; redirects++)
        {
            using var patience = new Deadline(idle, _time, deadline.Token);
            try
            {
                using var response = await _http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, patience.Token);
                if (response.StatusCode is HttpStatusCode.Found or HttpStatusCode.TemporaryRedirect && response.Headers.Location is { } location && redirects < 3)
                {
                    uri = new Uri(uri, location);
                    continue;
                }

                if (!response.IsSuccessStatusCode)
                {
                    throw new HttpRequestException($"XenServer refused the export with HTTP {(int)response.StatusCode}.", inner: null, response.StatusCode);
                }

                await CopyAsync(await response.Content.ReadAsStreamAsync(deadline.Token), to, idle, deadline.Token);
                return;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new TimeoutException(
                    deadline.IsOver ? $"The disk was not exported within {timeout.TotalSeconds:0} s." : $"The export of the disk stood still for {idle.TotalSeconds:0} s.");
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task CopyAsync(Stream from, Stream to, TimeSpan idle, CancellationToken cancellation)
    {
        var buffer = new byte[BufferSize];
        while (true)
        {
            int read;
            using (var patience = new Deadline(idle, _time, cancellation))
            {
                read = await from.ReadAsync(buffer, patience.Token);
            }

            if (read == 0)
            {
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }
    }

    private static JsonElement Answer(Uri host, string method, byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, AnswerOptions);
            var root = document.RootElement;
            if (root.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object)
            {
                throw new Failure(method, [error.GetProperty("message").GetString() ?? "", .. error.TryGetProperty("data", out var data) ? Strings(data) : []]);
            }

            return root.GetProperty("result").Clone();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HttpRequestException($"What answers at {host} is no XenAPI: its answer to {method} is not JSON-RPC 2.0.", e);
        }
    }

    private static List<string> Strings(JsonElement data) => data.ValueKind switch
    {
        JsonValueKind.Array => [.. data.EnumerateArray().Select(p => p.ValueKind == JsonValueKind.String ? p.GetString()! : p.GetRawText())],
        JsonValueKind.String => [data.GetString()!],
        _ => [],
    };
}
