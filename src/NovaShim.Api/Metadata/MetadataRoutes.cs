using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;

namespace NovaShim.Api.Metadata;

/// <summary>The routes of a thing's metadata, whole and by item.</summary>
/// <param name="read">Finds the metadata of the request's thing, or throws a 404.</param>
/// <param name="change">Stores what a pure function, which may run several times and throw, makes of the metadata, and returns it as stored.</param>
/// <param name="missing">What is said where an item is not there.</param>
internal sealed class MetadataRoutes(
    Func<ApiRequest, CancellationToken, Task<IReadOnlyDictionary<string, string>>> read,
    Func<ApiRequest, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>>, CancellationToken, Task<IReadOnlyDictionary<string, string>>> change,
    string missing)
{
    /// <summary>Maps them below the thing's own route.</summary>
    public void Map(IEndpointRouteBuilder routes, string thing)
    {
        routes.OnGet($"{thing}/metadata", async (request, cancellation) => Show(await read(request, cancellation)));
        routes.OnPost($"{thing}/metadata", (request, cancellation) => SetAsync(request, keep: true, cancellation));
        routes.OnPut($"{thing}/metadata", (request, cancellation) => SetAsync(request, keep: false, cancellation));
        routes.OnGet($"{thing}/metadata/{{key}}", async (request, cancellation) =>
            (await read(request, cancellation)).TryGetValue(request.Route("key"), out var value) ? ShowItem(request.Route("key"), value) : throw NoSuchItem());
        routes.OnPut($"{thing}/metadata/{{key}}", SetItemAsync);
        routes.OnDelete($"{thing}/metadata/{{key}}", DeleteItemAsync);
    }

    private async Task<Answer> SetAsync(ApiRequest request, bool keep, CancellationToken cancellation)
    {
        await read(request, cancellation);
        var given = MetadataRules.Read(request, await request.BodyAsync("metadata", cancellation));
        return Show(await change(request, now => keep ? Merge(now, given) : given, cancellation));
    }

    private async Task<Answer> SetItemAsync(ApiRequest request, CancellationToken cancellation)
    {
        await read(request, cancellation);
        var key = request.Route("key");
        var given = MetadataRules.Read(request, await request.BodyAsync("meta", cancellation));
        if (!given.TryGetValue(key, out var value))
        {
            throw Fault.BadRequest("Request body and URI mismatch");
        }

        if (given.Count > 1)
        {
            throw Fault.BadRequest("Request body contains too many items");
        }

        await change(request, now => Merge(now, given), cancellation);
        return ShowItem(key, value);
    }

    private async Task<Answer> DeleteItemAsync(ApiRequest request, CancellationToken cancellation)
    {
        var key = request.Route("key");
        await read(request, cancellation);
        await change(request, now => now.ContainsKey(key) ? now.Where(item => item.Key != key).ToDictionary(StringComparer.Ordinal) : throw NoSuchItem(), cancellation);
        return Answer.NoContent;
    }

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> now, IReadOnlyDictionary<string, string> given)
    {
        var merged = now.ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in given)
        {
            merged[key] = value;
        }

        return merged;
    }

    private FaultException NoSuchItem() => Fault.NotFound(missing);

    private static Answer Show(IReadOnlyDictionary<string, string> metadata) => Answer.Of(new MetadataEnvelope(metadata), ApiJson.Default.MetadataEnvelope);

    private static Answer ShowItem(string key, string value) => Answer.Of(new MetaItemEnvelope(new Dictionary<string, string> { [key] = value }), ApiJson.Default.MetaItemEnvelope);
}
