using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>
/// The Image API v2: versions, list, show, create, update, delete, and the bytes in both directions. At <c>/image</c>; list and show below each compute root too, where clients with an
/// overridden endpoint look.
/// </summary>
internal sealed class GlanceEndpoints(ImageShelf shelf, ImageStore images, ImageFiles files, ImageRemoval removal, ImageStoreOptions options) : IComputeCapability
{
    private const string Root = "/image/v2/images";
    private const string Bytes = "application/octet-stream";

    private readonly GlanceFilter _filter = new(shelf);

    /// <summary>Maps <c>/image</c>.</summary>
    public void MapImage(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/image", (request, _) => Task.FromResult(Versions(request, StatusCodes.Status300MultipleChoices)));
        routes.OnGet("/image/versions", (request, _) => Task.FromResult(Versions(request, StatusCodes.Status200OK)));
        routes.OnGet("/image/v2", (request, _) => Task.FromResult(Versions(request, StatusCodes.Status200OK)));
        routes.OnGet(Root, ListAsync).NeedsToken();
        routes.OnPost(Root, CreateAsync).NeedsToken();
        routes.OnGet($"{Root}/{{id}}", ShowAsync).NeedsToken();
        routes.OnPatch($"{Root}/{{id}}", UpdateAsync).NeedsToken();
        routes.OnDelete($"{Root}/{{id}}", DeleteAsync).NeedsToken();
        routes.OnPut($"{Root}/{{id}}/file", UploadAsync).NeedsToken();
        routes.OnGet($"{Root}/{{id}}/file", DownloadAsync).NeedsToken();
        routes.OnPut($"{Root}/{{id}}/tags/{{tag}}", (request, c) => ChangeTagAsync(request, GlanceFields.AddTag, c)).NeedsToken();
        routes.OnDelete($"{Root}/{{id}}/tags/{{tag}}", (request, c) => ChangeTagAsync(request, RemoveTag, c)).NeedsToken();
        routes.OnPost($"{Root}/{{id}}/actions/deactivate", (request, c) => SwitchAsync(request, ImageStatuses.Active, ImageStatuses.Deactivated, c)).NeedsToken();
        routes.OnPost($"{Root}/{{id}}/actions/reactivate", (request, c) => SwitchAsync(request, ImageStatuses.Deactivated, ImageStatuses.Active, c)).NeedsToken();
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/v2/images", ListAsync);
        routes.OnGet("/v2/images/{id}", ShowAsync);
    }

    private static Answer Versions(ApiRequest request, int status)
    {
        IReadOnlyList<Link> links = [new Link("self", $"{request.BaseUrl}/image/v2/")];
        return Answer.Of(new GlanceVersionsEnvelope([new GlanceVersion("v2.1", "CURRENT", links), new GlanceVersion("v2.0", "SUPPORTED", links)]), ApiJson.Default.GlanceVersionsEnvelope, status);
    }

    private static Answer View(ImageDocument image) => Answer.Of(GlanceFields.View(image), ApiJson.Default.GlanceImage);

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        if (request.Path.EndsWith('/'))
        {
            // Whoever asks for an image whose id is empty asks for nothing that there is, and not for all of them.
            throw Fault.NotFound("No image found with ID ");
        }

        var (page, first, next) = await _filter.ListAsync(request, cancellation);
        return Answer.Of(new GlanceImagesEnvelope([.. page.Select(GlanceFields.View)], first, next, "/v2/schemas/images"), ApiJson.Default.GlanceImagesEnvelope);
    }

    private async Task<Answer> ShowAsync(ApiRequest request, CancellationToken cancellation) => View(await shelf.RequireAsync(request, request.Route("id"), cancellation));

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync(cancellation);
        var uuid = Guid.NewGuid().ToString();
        if (body.Get("id") is { } id)
        {
            uuid = Guid.TryParseExact(id.Text(), "D", out var given) ? given.ToString() : throw id.Invalid("a UUID is expected");
        }

        var owner = body.Get("owner") is { } other && other.Text() != request.ProjectId
            ? request.IsAdmin ? other.Text(255) : throw Fault.Forbidden("You are not permitted to create images owned by another project.")
            : request.ProjectId;
        var image = new ImageDocument
        {
            Key = uuid, Uuid = uuid, Name = "", Status = ImageStatuses.Queued, DiskFormat = null, ContainerFormat = null, Location = null, ProjectId = owner, Visibility = ImageVisibilities.Shared,
        };
        foreach (var name in body.Names().Where(n => n is not ("id" or "owner")).Distinct(StringComparer.Ordinal))
        {
            image = GlanceFields.Set(image, name, new BodyField(body.Element.GetProperty(name), name), request.IsAdmin);
        }

        try
        {
            image = await images.CreateAsync(image, cancellation);
        }
        catch (Compute.Documents.DuplicateKeyException)
        {
            throw Fault.Conflict($"Image ID {uuid} already exists!");
        }

        return Answer.Of(
            GlanceFields.View(image), ApiJson.Default.GlanceImage, StatusCodes.Status201Created, new Dictionary<string, string> { ["Location"] = $"{request.BaseUrl}{Root}/{uuid}" });
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var operations = GlancePatch.Read(await request.PatchAsync(cancellation));
        return View(await shelf.ChangeAsync(request, request.Route("id"), i => GlancePatch.Apply(i, operations, request.IsAdmin), cancellation));
    }

    private async Task<Answer> DeleteAsync(ApiRequest request, CancellationToken cancellation)
    {
        await removal.RemoveAsync(request, request.Route("id"), cancellation);
        return Answer.NoContent;
    }

    private async Task<Answer> UploadAsync(ApiRequest request, CancellationToken cancellation)
    {
        var image = await shelf.RequireOwnAsync(request, request.Route("id"), cancellation);
        var body = request.OpenBody(Bytes, options.MaxBytes);
        await images.ReceiveAsync(image.Uuid, request.RequestId, body.CopyToAsync, cancellation);
        return Answer.NoContent;
    }

    private async Task<Answer> DownloadAsync(ApiRequest request, CancellationToken cancellation)
    {
        var image = await shelf.RequireAsync(request, request.Route("id"), cancellation);
        if (image.Status == ImageStatuses.Deactivated && !request.IsAdmin)
        {
            throw Fault.Forbidden("The requested image has been deactivated. Image data download is forbidden.");
        }

        if (image.Location is null)
        {
            return Answer.NoContent;
        }

        var content = files.OpenRead(image) ?? throw Fault.NotFound($"The data of image {image.Uuid} is not here.");
        return Answer.Of(content, image.Size, image.Checksum is { } checksum ? new Dictionary<string, string> { ["Content-MD5"] = checksum } : new Dictionary<string, string>());
    }

    private async Task<Answer> ChangeTagAsync(ApiRequest request, Func<ImageDocument, string, ImageDocument> change, CancellationToken cancellation)
    {
        await shelf.ChangeAsync(request, request.Route("id"), i => change(i, request.Route("tag")), cancellation);
        return Answer.NoContent;
    }

    private static ImageDocument RemoveTag(ImageDocument image, string tag) =>
        image.Tags.Contains(tag) ? image with { Tags = [.. image.Tags.Where(t => t != tag)] } : throw Fault.NotFound($"Image {image.Uuid} has no tag {tag}.");

    private async Task<Answer> SwitchAsync(ApiRequest request, string from, string to, CancellationToken cancellation)
    {
        await shelf.ChangeAsync(
            request, request.Route("id"),
            i => i.Status == from || i.Status == to ? i with { Status = to } : throw Fault.Forbidden($"Not allowed: the image is {i.Status}, and would have to be {from}."), cancellation);
        return Answer.NoContent;
    }
}
