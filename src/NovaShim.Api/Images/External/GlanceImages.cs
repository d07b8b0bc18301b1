using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using NovaShim.Api.Faults;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images.External;

/// <summary>The external Glance's images: found, listed, made, changed and removed with a user's token, or with the service user's.</summary>
internal sealed class GlanceImages(GlanceClient glance)
{
    private const int PageSize = 500;
    private const int MaxPages = 1000;

    /// <summary>One, or null when there is none or the token does not show it.</summary>
    public async Task<ImageDocument?> FindAsync(string id, string? token, CancellationToken cancellation)
    {
        // What is no UUID is no image, and would be another path.
        if (!Guid.TryParse(id, out var uuid))
        {
            return null;
        }

        using var answer = await glance.AskAsync(HttpMethod.Get, $"images/{uuid}", token, content: null, cancellation);
        return answer.StatusCode switch
        {
            HttpStatusCode.OK => (await glance.ReadAsync(answer, ExternalJson.Default.ExternalImage, cancellation)).ToDocument(),
            HttpStatusCode.NotFound => null,
            _ => throw await glance.RefusalAsync(answer, id, cancellation),
        };
    }

    /// <summary>All that the token shows in lists, newest first.</summary>
    /// <param name="filter">Glance's filter, such as <c>owner=…</c>; empty: none.</param>
    /// <param name="token">The user's token; null: the service user's.</param>
    /// <param name="cancellation">Cancels.</param>
    public async Task<IReadOnlyList<ImageDocument>> ListAsync(string filter, string? token, CancellationToken cancellation)
    {
        var found = new List<ImageDocument>();
        var first = $"images?limit={PageSize}&sort=created_at:desc,id:desc{(filter.Length == 0 ? "" : "&" + filter)}";
        var path = first;
        for (var page = 0; page < MaxPages; page++)
        {
            using var answer = await glance.AskAsync(HttpMethod.Get, path, token, content: null, cancellation);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                throw await glance.RefusalAsync(answer, id: null, cancellation);
            }

            var images = await glance.ReadAsync(answer, ExternalJson.Default.ExternalImages, cancellation);
            found.AddRange((images.Images ?? []).Select(i => i.ToDocument()));
            if (images is not { Next: not null, Images: [.., var last] })
            {
                return found;
            }

            path = $"{first}&marker={Uri.EscapeDataString(last.Id)}";
        }

        throw glance.Away($"it has more than {PageSize * MaxPages} images");
    }

    /// <summary>Makes one without bytes.</summary>
    /// <param name="image">What it is to be.</param>
    /// <param name="owner">Whose it is to be; null: the token's tenant's.</param>
    /// <param name="token">The user's token; null: the service user's.</param>
    /// <param name="cancellation">Cancels.</param>
    public async Task<ImageDocument> CreateAsync(ImageDocument image, string? owner, string? token, CancellationToken cancellation)
    {
        var fields = image.Metadata.ToDictionary(p => p.Key, p => JsonSerializer.SerializeToElement(p.Value, ExternalJson.Default.String), StringComparer.Ordinal);
        fields["id"] = JsonSerializer.SerializeToElement(image.Uuid, ExternalJson.Default.String);
        fields["name"] = JsonSerializer.SerializeToElement(image.Name, ExternalJson.Default.String);
        fields["visibility"] = JsonSerializer.SerializeToElement(image.Visibility, ExternalJson.Default.String);
        fields["min_disk"] = JsonSerializer.SerializeToElement(image.MinDisk, ExternalJson.Default.Int32);
        fields["min_ram"] = JsonSerializer.SerializeToElement(image.MinRam, ExternalJson.Default.Int32);
        if (owner is not null)
        {
            fields["owner"] = JsonSerializer.SerializeToElement(owner, ExternalJson.Default.String);
        }

        using var answer = await glance.AskAsync(HttpMethod.Post, "images", token, () => Json(JsonSerializer.SerializeToUtf8Bytes(fields, ExternalJson.Default.IReadOnlyDictionaryStringJsonElement), "application/json"), cancellation);
        return answer.StatusCode == HttpStatusCode.Created
            ? (await glance.ReadAsync(answer, ExternalJson.Default.ExternalImage, cancellation)).ToDocument()
            : throw await glance.RefusalAsync(answer, id: null, cancellation);
    }

    /// <summary>Changes one.</summary>
    /// <returns>The image as it is now.</returns>
    public async Task<ImageDocument> ChangeAsync(string id, IReadOnlyList<ExternalChange> changes, string? token, CancellationToken cancellation)
    {
        using var answer = await glance.AskAsync(
            HttpMethod.Patch, $"images/{id}", token, () => Json(JsonSerializer.SerializeToUtf8Bytes(changes, ExternalJson.Default.IReadOnlyListExternalChange), "application/openstack-images-v2.1-json-patch"), cancellation);
        return answer.StatusCode == HttpStatusCode.OK
            ? (await glance.ReadAsync(answer, ExternalJson.Default.ExternalImage, cancellation)).ToDocument()
            : throw await glance.RefusalAsync(answer, id, cancellation);
    }

    /// <summary>Removes one. Throws a 404 when there is none.</summary>
    public async Task RemoveAsync(string id, string? token, CancellationToken cancellation)
    {
        using var answer = Guid.TryParse(id, out var uuid) ? await glance.AskAsync(HttpMethod.Delete, $"images/{uuid}", token, content: null, cancellation) : throw Fault.NotFound("Image not found.");
        if (answer.StatusCode != HttpStatusCode.NoContent)
        {
            throw await glance.RefusalAsync(answer, id, cancellation);
        }
    }

    private static ByteArrayContent Json(byte[] body, string type) => new(body) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
}
