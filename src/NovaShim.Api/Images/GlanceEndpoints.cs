using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>
/// What clients of compute read of the Image API v2: versions, list by name, show. At <c>/image</c>, and below each compute root, where clients with an
/// overridden endpoint look.
/// </summary>
internal sealed class GlanceEndpoints(ImageShelf shelf) : IComputeCapability
{
    /// <summary>Maps <c>/image</c>.</summary>
    public void MapImage(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/image", (request, _) => Task.FromResult(Versions(request, StatusCodes.Status300MultipleChoices)));
        routes.OnGet("/image/versions", (request, _) => Task.FromResult(Versions(request, StatusCodes.Status200OK)));
        routes.OnGet("/image/v2", (request, _) => Task.FromResult(Versions(request, StatusCodes.Status200OK)));
        routes.OnGet("/image/v2/images", ListAsync).NeedsToken();
        routes.OnGet("/image/v2/images/{id}", ShowAsync).NeedsToken();
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/v2/images", ListAsync);
        routes.OnGet("/v2/images/{id}", ShowAsync);
    }

    private static Answer Versions(ApiRequest request, int status) =>
        Answer.Of(new GlanceVersionsEnvelope([new GlanceVersion("v2.0", "CURRENT", [new Link("self", $"{request.BaseUrl}/image/v2/")])]), ApiJson.Default.GlanceVersionsEnvelope, status);

    private async Task<Answer> ShowAsync(ApiRequest request, CancellationToken cancellation) =>
        await shelf.FindAsync(request.Route("id"), request.ProjectId, request.IsAdmin, cancellation) is { } image
            ? Answer.Of(View(image), ApiJson.Default.GlanceImage)
            : throw Fault.NotFound($"No image found with ID {request.Route("id")}");

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var paging = Paging.Of(request);
        var found = (await shelf.ListAsync(request.ProjectId, request.IsAdmin, cancellation)).ToList();
        var start = 0;
        if (paging.Marker is { } marker)
        {
            start = found.FindIndex(i => i.Uuid == marker) + 1;
            if (start == 0)
            {
                throw Paging.MarkerNotFound(marker);
            }
        }

        var matching = found.Skip(start).Where(i => Matches(request, i)).Take(paging.Limit + 1).ToList();
        var page = matching.Take(paging.Limit).ToList();
        var next = matching.Count > page.Count ? $"/v2/images?limit={paging.Limit}&marker={page[^1].Uuid}" : null;
        return Answer.Of(new GlanceImagesEnvelope([.. page.Select(View)], "/v2/images", next, "/v2/schemas/images"), ApiJson.Default.GlanceImagesEnvelope);
    }

    private static bool Matches(ApiRequest request, ImageDocument image) =>
        IsOneOf(request.QueryValue("name"), image.Name) && IsOneOf(request.QueryValue("id"), image.Uuid) && IsOneOf(request.QueryValue("status"), image.Status)
        && IsOneOf(request.QueryValue("disk_format"), image.DiskFormat ?? "") && (request.QueryValue("visibility") is not ({ } visibility and not "all") || visibility == VisibilityOf(image));

    /// <summary>A plain value, or <c>in:</c> and several.</summary>
    private static bool IsOneOf(string? filter, string value) =>
        filter is null || filter == value || (filter.StartsWith("in:", StringComparison.Ordinal) && filter[3..].Split(',').Any(v => v.Trim('"') == value));

    private static string VisibilityOf(ImageDocument image) => image.ProjectId is null ? "public" : "private";

    private static GlanceImage View(ImageDocument image) => new()
    {
        Id = image.Uuid, Name = image.Name, Status = image.Status, Visibility = VisibilityOf(image), DiskFormat = image.DiskFormat ?? "", Size = image.Size,
        MinDisk = image.MinDisk,
        MinRam = image.MinRam, Owner = image.ProjectId, CreatedAt = Texts.Moment(image.CreatedAt), UpdatedAt = Texts.Moment(image.UpdatedAt ?? image.CreatedAt),
        Self = $"/v2/images/{image.Uuid}", File = $"/v2/images/{image.Uuid}/file",
    };
}
