namespace NovaShim.Api;

/// <summary>Settings of the HTTP face: section <c>api</c> of the configuration.</summary>
internal sealed record ApiOptions
{
    /// <summary>The largest body a request may have, in bytes (Nova's <c>osapi_max_request_body_size</c>).</summary>
    public long MaxBodyBytes { get; init; } = 114_688;

    /// <summary>The addresses of the proxies whose <c>X-Forwarded-*</c> headers are believed; nobody else's are.</summary>
    public IReadOnlyList<string> TrustedProxies { get; init; } = [];
}
