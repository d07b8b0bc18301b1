using System.Globalization;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>Images as compute shows them: list, detail, show; and delete.</summary>
internal sealed class ImageEndpoints(IComputeImages images) : IComputeCapability
{
    // Where the image was made of a server, which one; and what it is. Nova's names for both.
    private const string ServerKey = "instance_uuid";
    private const string TypeKey = "image_type";
    private const string PropertyFilter = "property-";

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/images", (request, cancellation) => ListAsync(request, detailed: false, cancellation));
        routes.OnGet("/images/detail", (request, cancellation) => ListAsync(request, detailed: true, cancellation));
        routes.OnGet("/images/{id}", async (request, cancellation) =>
            await images.FindAsync(request, request.Route("id"), cancellation) is { } image
                ? Answer.Of(new ImageEnvelope(View(request, image, detailed: true)), ApiJson.Default.ImageEnvelope)
                : throw Fault.NotFound("Image not found."));
        routes.OnDelete("/images/{id}", async (request, cancellation) =>
        {
            await images.RemoveAsync(request, request.Route("id"), cancellation);
            return Answer.NoContent;
        });
    }

    private async Task<Answer> ListAsync(ApiRequest request, bool detailed, CancellationToken cancellation)
    {
        var paging = Paging.Of(request);
        var found = (await images.ListAsync(request, cancellation)).ToList();
        var start = 0;
        if (paging.Marker is { } marker)
        {
            start = found.FindIndex(i => i.Uuid == marker) + 1;
            if (start == 0)
            {
                throw Paging.MarkerNotFound(marker);
            }
        }

        var page = found.Skip(start).Where(i => Matches(request, i)).Take(paging.Limit).ToList();
        return Answer.Of(
            new ImagesEnvelope([.. page.Select(i => View(request, i, detailed))], paging.NextLinks(request, page.Count, page.LastOrDefault()?.Uuid)), ApiJson.Default.ImagesEnvelope);
    }

    private static bool Matches(ApiRequest request, ImageDocument image) =>
        (request.QueryValue("name") is not { } name || image.Name == name)
        && (request.QueryValue("status") is not { } status || string.Equals(StatusOf(image), status, StringComparison.OrdinalIgnoreCase))
        && (request.QueryValue("minDisk") is not { } disk || image.MinDisk >= Number("minDisk", disk))
        && (request.QueryValue("minRam") is not { } ram || image.MinRam >= Number("minRam", ram))
        && (request.QueryValue("server") is not { } server || image.Metadata.GetValueOrDefault(ServerKey) == Texts.IdOfReference(server))
        && (request.QueryValue("type") is not { } type || (image.Metadata.GetValueOrDefault(TypeKey) ?? "base") == type)
        && (request.QueryValue("changes-since") is not { } since || (image.UpdatedAt ?? image.CreatedAt) >= Texts.ParsedMoment("changes-since", since))
        && request.Query.Where(p => p.Key.StartsWith(PropertyFilter, StringComparison.Ordinal)).All(p => image.Metadata.GetValueOrDefault(p.Key[PropertyFilter.Length..]) == p.Value[^1]);

    private static int Number(string name, string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : throw Fault.BadRequest($"Invalid {name} filter [{text}]");

    private static string StatusOf(ImageDocument image) => image.Status switch
    {
        "active" => "ACTIVE",
        "queued" or "saving" => "SAVING",
        "deleted" or "pending_delete" => "DELETED",
        _ => "ERROR",
    };

    private static int ProgressOf(ImageDocument image) => image.Status switch { "active" => 100, "saving" => 50, "queued" => 25, _ => 0 };

    private ImageView View(ApiRequest request, ImageDocument image, bool detailed)
    {
        var links = new List<Link>(Links.Of(request, "images", image.Uuid)) { new("alternate", images.UrlOf(request, image.Uuid), "application/vnd.openstack.image") };
        var view = new ImageView { Id = image.Uuid, Name = image.Name, Links = links };
        return !detailed ? view : view with
        {
            Status = StatusOf(image), Progress = ProgressOf(image), MinDisk = image.MinDisk, MinRam = image.MinRam, Created = Texts.Moment(image.CreatedAt),
            Updated = Texts.Moment(image.UpdatedAt ?? image.CreatedAt), Metadata = image.Metadata, Size = image.Size,
            Server = image.Metadata.TryGetValue(ServerKey, out var server) ? new ImageServer(server, Links.Of(request, "servers", server)) : null,
        };
    }
}
