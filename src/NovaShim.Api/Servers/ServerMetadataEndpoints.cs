using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>A server's metadata, whole and by item.</summary>
internal sealed class ServerMetadataEndpoints(IDocumentStore store, ServerLookup lookup, Quotas quotas) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/servers/{id}/metadata", async (request, cancellation) => Show((await lookup.RequireAsync(request, cancellation)).Metadata));
        routes.OnPost("/servers/{id}/metadata", (request, cancellation) => SetAsync(request, keep: true, cancellation));
        routes.OnPut("/servers/{id}/metadata", (request, cancellation) => SetAsync(request, keep: false, cancellation));
        routes.OnGet("/servers/{id}/metadata/{key}", async (request, cancellation) =>
            (await lookup.RequireAsync(request, cancellation)).Metadata.TryGetValue(request.Route("key"), out var value) ? ShowItem(request.Route("key"), value) : throw NoSuchItem());
        routes.OnPut("/servers/{id}/metadata/{key}", SetItemAsync);
        routes.OnDelete("/servers/{id}/metadata/{key}", DeleteItemAsync);
    }

    private async Task<Answer> SetAsync(ApiRequest request, bool keep, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var given = ServerAttributes.MetadataOf(await request.BodyAsync("metadata", cancellation));
        return Show((await UpdateAsync(request, instance, now => keep ? Merge(now, given) : given, cancellation)).Metadata);
    }

    private async Task<Answer> SetItemAsync(ApiRequest request, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var key = request.Route("key");
        var given = ServerAttributes.MetadataOf(await request.BodyAsync("meta", cancellation));
        if (given.Count != 1 || !given.TryGetValue(key, out var value))
        {
            throw Fault.BadRequest("Request body and URI mismatch");
        }

        await UpdateAsync(request, instance, now => Merge(now, given), cancellation);
        return ShowItem(key, value);
    }

    private async Task<Answer> DeleteItemAsync(ApiRequest request, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var key = request.Route("key");
        if (!instance.Metadata.ContainsKey(key))
        {
            throw NoSuchItem();
        }

        await UpdateAsync(request, instance, now => now.Where(item => item.Key != key).ToDictionary(StringComparer.Ordinal), cancellation);
        return Answer.NoContent;
    }

    private async Task<InstanceDocument> UpdateAsync(
        ApiRequest request, InstanceDocument instance, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>> change, CancellationToken cancellation) =>
        await store.Collection<InstanceDocument>().UpdateAsync(
            instance.Key,
            i =>
            {
                var changed = change(i.Metadata);
                var most = quotas.Limits.MetadataItems;
                return changed.Count > most && most >= 0 && changed.Count > i.Metadata.Count
                    ? throw Fault.OverQuota(request.Surface, $"Maximum number of metadata items exceeds {most}")
                    : i.Deleted ? null
                    : i with { Metadata = changed };
            },
            cancellation) ?? throw Fault.NotFound($"Instance {instance.Uuid} could not be found.");

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> now, IReadOnlyDictionary<string, string> given)
    {
        var merged = now.ToDictionary(StringComparer.Ordinal);
        foreach (var (key, value) in given)
        {
            merged[key] = value;
        }

        return merged;
    }

    private static FaultException NoSuchItem() => Fault.NotFound("Metadata item was not found");

    private static Answer Show(IReadOnlyDictionary<string, string> metadata) => Answer.Of(new MetadataEnvelope(metadata), ApiJson.Default.MetadataEnvelope);

    private static Answer ShowItem(string key, string value) => Answer.Of(new MetaItemEnvelope(new Dictionary<string, string> { [key] = value }), ApiJson.Default.MetaItemEnvelope);
}
