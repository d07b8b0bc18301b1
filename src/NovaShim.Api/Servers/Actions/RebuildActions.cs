using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Images;
using NovaShim.Api.Limits;
using NovaShim.Api.Metadata;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers.Actions;

/// <summary>What gives a server another disk, another VM or another password: rebuild, rescue, change of password.</summary>
internal sealed class RebuildActions(ComputeApi compute, ServerLookup lookup, BootImages images, Quotas quotas) : IServerActions
{
    private static readonly HashSet<string> RebuildKeys = new(StringComparer.Ordinal)
    {
        "imageRef", "imageId", "name", "adminPass", "metadata", "personality", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig", "preserve_ephemeral",
    };

    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("rebuild", RebuildAsync),
        ("rescue", RescueAsync),
        ("unrescue", UnrescueAsync),
        ("changePassword", ChangePasswordAsync),
    ];

    private async Task<Answer> RebuildAsync(ApiRequest request, BodyField rebuild, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var reference = (rebuild.IsObject ? rebuild.Get("imageRef", "imageId") : null) is { IsEmpty: false } given ? Texts.IdOfReference(given.Id())
            : throw Fault.BadRequest(request.IsLegacy ? "Could not parse imageRef from request." : "Invalid input for field/attribute rebuild.imageRef: it is required.");
        if (!request.IsLegacy && rebuild.Names().FirstOrDefault(n => !RebuildKeys.Contains(n)) is { } unknown)
        {
            throw Fault.BadRequest($"Invalid input for field/attribute rebuild. Additional properties are not allowed ('{unknown}' was unexpected).");
        }

        if (rebuild.Get("preserve_ephemeral") is { } preserve && preserve.Boolean())
        {
            throw Fault.BadRequest($"Invalid input for field/attribute {preserve.Name}: no host of this cloud keeps ephemeral disks in a rebuild.");
        }

        var attributes = ServerAttributes.Of(request, rebuild);
        var metadata = rebuild.Get("metadata") is { } items ? MetadataRules.Read(request, items) : null;
        var limits = await quotas.LimitsOfAsync(instance.ProjectId, instance.UserId, cancellation);
        MetadataRules.CheckCount(request, 0, metadata?.Count ?? 0, limits.MetadataItems);
        var guest = new GuestRequest { AdminPassword = AdminPasswords.OfBody(request, rebuild), Files = Personality.FilesOf(request, rebuild.Get("personality"), limits) };
        var image = await images.ChooseAsync(request, reference, instance.Flavor, request.IsLegacy ? "Cannot find requested image" : "Cannot find image for rebuild", cancellation);
        var rebuilding = await compute.RebuildAsync(
            instance,
            new RebuildServer
            {
                ImageRef = image.Uuid, Guest = guest, Name = attributes.Name, Metadata = metadata, DiskConfig = attributes.DiskConfig, AccessIpV4 = attributes.AccessIpV4, AccessIpV6 = attributes.AccessIpV6,
            },
            request.Context, cancellation);
        return Answer.Of(
            new ServerEnvelope(ServerViews.Updated(request, rebuilding) with { AdminPass = guest.AdminPassword }), ApiJson.Default.ServerEnvelope, StatusCodes.Status202Accepted,
            new Dictionary<string, string> { ["Location"] = Links.Self(request, "servers", instance.Uuid) });
    }

    private async Task<Answer> RescueAsync(ApiRequest request, BodyField rescue, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var password = AdminPasswords.OfBody(request, rescue);
        var image = rescue.Get("rescue_image_ref") is { IsEmpty: false } given
            ? await images.ChooseAsync(request, Texts.IdOfReference(given.Id()), instance.Flavor, $"Image {Texts.IdOfReference(given.Id())} could not be found.", cancellation)
            : null;
        await compute.RescueAsync(instance, password, image?.Uuid, request.Context, cancellation);
        return Answer.Of(new AdminPassEnvelope(password), ApiJson.Default.AdminPassEnvelope);
    }

    private async Task<Answer> UnrescueAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        await compute.ActAsync(await lookup.RequireUnlockedAsync(request, cancellation), ServerAction.Unrescue, request.Context, cancellation);
        return Answer.Accepted;
    }

    private async Task<Answer> ChangePasswordAsync(ApiRequest request, BodyField change, CancellationToken cancellation)
    {
        var instance = await lookup.RequireUnlockedAsync(request, cancellation);
        var password = change.Get("adminPass") ?? throw Fault.BadRequest(request.IsLegacy ? "No adminPass was specified" : "Invalid input for field/attribute changePassword.adminPass: it is required.");
        await compute.ChangePasswordAsync(instance, AdminPasswords.Of(request, password), request.Context, cancellation);
        return Answer.Accepted;
    }
}
