using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Identity;
using NovaShim.Compute.Messaging;

namespace NovaShim.Api.Requests;

/// <summary>
/// A request as the handlers see it: on which surface, by whom, with which values; nothing of the format it came in or is answered in. One per HTTP
/// request, made by <see cref="RequestIntake"/>.
/// </summary>
internal sealed class ApiRequest(HttpContext http, Surface surface, string requestId, DateTime timestamp, MediaFormat format)
{
    private const string ItemKey = "novashim.request";

    private BodyField? _body;

    /// <summary>The surface it came in on.</summary>
    public Surface Surface { get; } = surface;

    /// <summary>Whether bodies, faults and rules are those of 2011.</summary>
    public bool IsLegacy => Surface.IsLegacy();

    /// <summary><c>req-</c> and a UUID: in every answer and every piece of work the request causes.</summary>
    public string RequestId { get; } = requestId;

    /// <summary>When it came in (UTC).</summary>
    public DateTime Timestamp { get; } = timestamp;

    /// <summary>The format that the answer was asked for in.</summary>
    public MediaFormat Format { get; } = format;

    /// <summary>The token it came with, once it has been checked.</summary>
    public AccessToken? Token { get; set; }

    /// <summary>The zones of hosts that are in an aggregate with one, where the answer shows zones; all others are in the default one.</summary>
    public IReadOnlyDictionary<string, string> ZoneOfHost { get; set; } = new Dictionary<string, string>();

    /// <summary>The user's tenant. Only behind a token.</summary>
    public string ProjectId => Context.ProjectId;

    /// <summary>Whether the user is an administrator.</summary>
    public bool IsAdmin => Token is { IsAdmin: true };

    /// <summary>Who asks, as the control plane carries it. Only behind a token that is scoped to a tenant.</summary>
    public RequestContext Context => Token is { ProjectId: { } projectId } token
        ? new RequestContext { RequestId = RequestId, UserId = token.UserId, ProjectId = projectId, IsAdmin = token.IsAdmin, Timestamp = Timestamp }
        : throw new InvalidOperationException("This route asks for no token.");

    /// <summary>The query. Unknown parameters (<c>?fresh=</c> of old clients) are simply never looked at.</summary>
    public IQueryCollection Query => http.Request.Query;

    /// <summary>Where clients reach the program: scheme, host and, behind a proxy, prefix; no slash at the end.</summary>
    public string BaseUrl => $"{http.Request.Scheme}://{http.Request.Host}{http.Request.PathBase}";

    /// <summary>The path the request was made to, as routed.</summary>
    public string Path => http.Request.Path.Value ?? "/";

    /// <summary>The same as it stands in a URL.</summary>
    public string EscapedPath => http.Request.Path.HasValue ? http.Request.Path.ToUriComponent() : "/";

    /// <summary>The tenant in the path; null where the path has none.</summary>
    public string? PathTenant => http.GetRouteValue("tenant_id") as string;

    /// <summary>The request of an HTTP context.</summary>
    public static ApiRequest Of(HttpContext http) => (ApiRequest)http.Items[ItemKey]!;

    /// <summary>Makes it the request of its HTTP context.</summary>
    public void Attach() => http.Items[ItemKey] = this;

    /// <summary>A value of the route.</summary>
    public string Route(string name) => (string)http.GetRouteValue(name)!;

    /// <summary>A header, or null.</summary>
    public string? Header(string name) => http.Request.Headers[name] is [{ Length: > 0 } value, ..] ? value : null;

    /// <summary>A query parameter's last value, or null when it is absent or empty.</summary>
    public string? QueryValue(string name) => Query[name] is [.., { Length: > 0 } value] ? value : null;

    /// <summary>The body, read once and bounded; a fault when there is none or it is malformed.</summary>
    public async Task<BodyField> BodyAsync(CancellationToken cancellation) => _body ??= await BodyReader.ReadAsync(http.Request, cancellation);

    /// <summary>The operations of a JSON patch: an array, in a type of its own.</summary>
    public Task<BodyField> PatchAsync(CancellationToken cancellation) => BodyReader.ReadPatchAsync(http.Request, cancellation);

    /// <summary>The body's bytes, as they come in. Nothing of them may have been read yet.</summary>
    /// <param name="contentType">The only type they may be of; another is a 415.</param>
    /// <param name="maxBytes">How many they may be. A request that announces more is a 413; whoever reads counts what comes without being announced.</param>
    public Stream OpenBody(string contentType, long maxBytes)
    {
        if (!MediaFormats.Is(http.Request.ContentType, contentType))
        {
            throw new FaultException(StatusCodes.Status415UnsupportedMediaType, $"Unsupported content type {http.Request.ContentType}; {contentType} is expected.");
        }

        if (http.Request.ContentLength > maxBytes)
        {
            throw new FaultException(StatusCodes.Status413PayloadTooLarge, $"{maxBytes} bytes are the most that can be taken.");
        }

        // The bound on documents does not hold here, and the server's own would count the frames of chunks, too.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bound)
        {
            bound.MaxRequestBodySize = null;
        }

        return http.Request.Body;
    }

    /// <summary>The object under the body's one expected key: <c>{"server": {…}}</c>.</summary>
    public async Task<BodyField> BodyAsync(string key, CancellationToken cancellation)
    {
        var field = (await BodyAsync(cancellation)).Get(key) ?? throw Fault.BadRequest($"The body must have an object under the key '{key}'.");
        return field.RequireObject();
    }
}
