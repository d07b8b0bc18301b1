using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.Servers;

namespace NovaShim.Api.Absent;

/// <summary>A server's volumes. Nova keeps this list itself, and without a volume service no server ever has one: the list is empty, and no volume can be found.</summary>
internal sealed class VolumeAttachments(ServerLookup lookup) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/servers/{id}/os-volume_attachments", async (request, cancellation) =>
        {
            await lookup.RequireAsync(request, cancellation);
            return Answer.Of(new VolumeAttachmentsEnvelope([]), ApiJson.Default.VolumeAttachmentsEnvelope);
        });
        routes.OnPost("/servers/{id}/os-volume_attachments", async (request, cancellation) =>
        {
            await lookup.RequireUnlockedAsync(request, cancellation);
            var volume = VolumeOf(request, await request.BodyAsync("volumeAttachment", cancellation));
            throw Fault.NotFound($"Volume {volume} could not be found.");
        });
        routes.OnGet("/servers/{id}/os-volume_attachments/{volume_id}", NotAttachedAsync);
        routes.OnPut("/servers/{id}/os-volume_attachments/{volume_id}", async (request, cancellation) =>
        {
            await lookup.RequireUnlockedAsync(request, cancellation);
            VolumeOf(request, await request.BodyAsync("volumeAttachment", cancellation));
            return await NotAttachedAsync(request, cancellation);
        }).AdminOnly();
        routes.OnDelete("/servers/{id}/os-volume_attachments/{volume_id}", NotAttachedAsync);
    }

    private static string VolumeOf(ApiRequest request, BodyField attachment)
    {
        var id = attachment.Require("volumeId");
        return request.IsLegacy || Guid.TryParse(id.Text(), out _) ? id.Id() : throw id.Invalid("a UUID is expected");
    }

    private async Task<Answer> NotAttachedAsync(ApiRequest request, CancellationToken cancellation)
    {
        var instance = await lookup.RequireAsync(request, cancellation);
        throw Fault.NotFound($"Volume {request.Route("volume_id")} is not attached to server {instance.Uuid}.");
    }
}
