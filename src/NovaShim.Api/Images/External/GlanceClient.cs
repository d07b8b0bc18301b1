using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using NovaShim.Api.Faults;
using NovaShim.Api.Identity.Keystone;

namespace NovaShim.Api.Images.External;

/// <summary>
/// Speaks to the external Glance that Keystone's catalog names, with a user's own token or the service user's. What it refuses is a fault of the same status; no answer is a 503.
/// </summary>
internal sealed partial class GlanceClient(HttpClient http, KeystoneClient keystone, GlanceOptions options, TimeProvider time, ILogger<GlanceClient> log)
{
    private const int RetryAfterSeconds = 5;

    /// <summary>For how long an answer is waited for.</summary>
    public TimeSpan Patience { get; } = TimeSpan.FromSeconds(options.TimeoutSeconds);

    /// <summary>The last address that was asked, without a slash at its end; null before there was one.</summary>
    public string? LastUrl { get; private set; }

    /// <summary>Sends a request. The answer's body is still to be read if <paramref name="completion"/> says so.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">What follows <c>/v2/</c>.</param>
    /// <param name="token">The user's token; null: the service user's.</param>
    /// <param name="content">Makes the body; for each try another.</param>
    /// <param name="completion">Whether the answer's body is waited for.</param>
    /// <param name="cancellation">Gives up. It alone limits the wait where the body is long.</param>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string? token, Func<HttpContent>? content, HttpCompletionOption completion, CancellationToken cancellation)
    {
        for (var again = false; ; again = true)
        {
            var service = await keystone.ServiceAsync(cancellation);
            LastUrl = UrlOf(service);
            using var request = new HttpRequestMessage(method, new Uri($"{LastUrl}/v2/{path}")) { Content = content?.Invoke() };
            request.Headers.TryAddWithoutValidation("X-Auth-Token", token ?? service.Secret);
            request.Headers.TryAddWithoutValidation("Accept", completion == HttpCompletionOption.ResponseContentRead ? "application/json" : "application/octet-stream, application/json");
            HttpResponseMessage answer;
            try
            {
                answer = await http.SendAsync(request, completion, cancellation);
            }
            catch (HttpRequestException e)
            {
                // It may have moved.
                keystone.Forget(service);
                throw Away(e.InnerException is FaultException or IOException ? e.InnerException.Message : e.Message);
            }

            if (answer.StatusCode != HttpStatusCode.Unauthorized || token is not null)
            {
                return answer;
            }

            // The service user's token has ended before its time. A new one that is refused as well is no fault of the user's.
            answer.Dispose();
            keystone.Forget(service);
            if (again)
            {
                throw Away("it refuses the service user's token");
            }
        }
    }

    /// <summary>The same for a request and an answer that are short, within the time that an answer may take.</summary>
    public async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path, string? token, Func<HttpContent>? content, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            return await SendAsync(method, path, token, content, HttpCompletionOption.ResponseContentRead, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Away($"it has said nothing for {options.TimeoutSeconds} seconds");
        }
    }

    /// <summary>An answer's document.</summary>
    public async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancellation) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(cancellation), type) ?? throw Away("its answer is empty");
        }
        catch (JsonException e)
        {
            throw Away($"its answer cannot be understood: {e.Message}");
        }
    }

    /// <summary>What a refusal is to a user.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="id">The image that was asked for; null: none.</param>
    /// <param name="cancellation">Cancels.</param>
    public async Task<FaultException> RefusalAsync(HttpResponseMessage answer, string? id, CancellationToken cancellation)
    {
        var status = (int)answer.StatusCode;
        var said = await MessageOfAsync(answer, cancellation);
        return status switch
        {
            StatusCodes.Status404NotFound when id is not null => Fault.NotFound("Image not found."),

            // The user's token has just been good: it was revoked meanwhile.
            StatusCodes.Status401Unauthorized => Fault.Unauthorized(),
            StatusCodes.Status403Forbidden => Fault.Forbidden(said ?? $"You are not permitted to do that{(id is null ? "" : $" to image {id}")}."),
            StatusCodes.Status400BadRequest or StatusCodes.Status409Conflict or StatusCodes.Status413PayloadTooLarge => new FaultException(status, said ?? $"The image service refuses that with {status}."),
            _ => Away($"it says {status}{(said is null ? "" : ": " + said)}"),
        };
    }

    /// <summary>A 503, and why, for the log.</summary>
    public FaultException Away(string why)
    {
        LogAway(LastUrl ?? "(not in the catalog)", why);
        return new FaultException(StatusCodes.Status503ServiceUnavailable, "The image service does not answer. Please try again later.") { RetryAfter = RetryAfterSeconds };
    }

    private static async Task<string?> MessageOfAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (answer.Content.Headers.ContentType?.MediaType != "application/json")
        {
            return null;
        }

        try
        {
            var refusal = JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(cancellation), ExternalJson.Default.ExternalRefusal);
            return refusal?.Message?.Replace("<br />", " ", StringComparison.Ordinal).Trim() is { Length: > 0 } message ? message : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // With or without a version at its end, as catalogs have it.
    private string UrlOf(KeystoneService service)
    {
        var url = service.Catalog.Where(s => s.Type == "image").SelectMany(s => s.Endpoints ?? [])
            .FirstOrDefault(e => e.Interface == options.Interface && (options.Region is null || (e.RegionId ?? e.Region) == options.Region))?.Url?.TrimEnd('/');
        if (url is null || !Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
        {
            keystone.Forget(service);
            throw Away($"Keystone's catalog names no {options.Interface} endpoint of a service of type image{(options.Region is null ? "" : $" in region {options.Region}")}");
        }

        return url.EndsWith("/v2", StringComparison.Ordinal) ? url[..^3] : url;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Glance at {Url} cannot be asked: {Why}")]
    private partial void LogAway(string url, string why);
}
