using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Tests.Spec;

/// <summary>
/// Stands before everything else in a face under test and has every answer judged by <see cref="ApiDescription"/>, whoever asked: what it finds fails the test that meets it next, and the face's end.
/// </summary>
internal sealed class AnswerWatch
{
    private readonly ConcurrentQueue<string> _found = new();
    private readonly ConcurrentDictionary<string, string?> _done = new(StringComparer.Ordinal);
    private int _judged;

    /// <summary>How many answers were judged.</summary>
    public int Judged => _judged;

    /// <summary>
    /// Fails with what has been found since it was last asked. An answer is judged when it has gone out: of one that has come, by its <paramref name="requestId"/>, the judgement is waited for,
    /// and the pattern of the route that gave it returned; null when there was none.
    /// </summary>
    public async Task<string?> ThrowIfFoundAsync(string? requestId = null)
    {
        string? pattern = null;
        for (var waited = Stopwatch.StartNew(); requestId is not null && !_done.TryRemove(requestId, out pattern) && waited.Elapsed < TimeSpan.FromSeconds(5);)
        {
            await Task.Delay(1);
        }

        var found = new List<string>();
        while (_found.TryDequeue(out var one))
        {
            found.Add(one);
        }

        Assert.True(found.Count == 0, "Not as api-spec says:\n" + string.Join('\n', found));
        return pattern;
    }

    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        try
        {
            await JudgeAsync(http, next);
        }
        finally
        {
            _done[ApiRequest.Of(http).RequestId] = PatternOf(http);
        }
    }

    private async Task JudgeAsync(HttpContext http, RequestDelegate next)
    {
        var (method, path) = (http.Request.Method, http.Request.Path.Value ?? "/");
        var sent = http.Response.Body;
        using var copy = new CopyingStream(sent);
        http.Response.Body = copy;
        try
        {
            await next(http);
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }
        finally
        {
            http.Response.Body = sent;
        }

        if (http.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        Interlocked.Increment(ref _judged);
        foreach (var found in await ApiDescription.JudgeAsync(new WatchedAnswer(method, path, PatternOf(http), http.Response.StatusCode, http.Response.ContentType, copy.Copy)))
        {
            _found.Enqueue(found);
        }
    }

    private static string? PatternOf(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
}
