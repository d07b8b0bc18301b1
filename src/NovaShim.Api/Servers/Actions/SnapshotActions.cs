using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Metadata;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers.Actions;

/// <summary>Images made of servers: createImage, createBackup.</summary>
internal sealed class SnapshotActions(SnapshotApi snapshots, ServerLookup lookup, Quotas quotas) : IServerActions
{
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions => [("createImage", CreateImageAsync), ("createBackup", CreateBackupAsync)];

    private async Task<Answer> CreateImageAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        var instance = await lookup.RequireAsync(request, cancellation);
        var name = Required(request, body, "name").NameText(request.Surface);
        var image = await snapshots.CreateImageAsync(instance, name, await MetadataOfAsync(request, body, cancellation), request.Context, cancellation);
        return Answer.Empty(StatusCodes.Status202Accepted, LocationOf(request, image));
    }

    private async Task<Answer> CreateBackupAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        var instance = await lookup.RequireAsync(request, cancellation);
        var name = Required(request, body, "name").NameText(request.Surface);
        var type = Required(request, body, "backup_type").Text(ServerAttributes.MaxText);
        var given = Required(request, body, "rotation");
        var rotation = given.Integer() is var number and >= 0 ? number : throw given.Invalid("it must not be negative");
        var image = await snapshots.CreateBackupAsync(instance, name, type, rotation, await MetadataOfAsync(request, body, cancellation), request.Context, cancellation);

        // With a rotation of 0 there is no image to be found there.
        return Answer.Empty(StatusCodes.Status202Accepted, rotation > 0 || request.IsLegacy ? LocationOf(request, image) : null);
    }

    private static BodyField Required(ApiRequest request, BodyField body, string name)
    {
        if (request.IsLegacy && !body.IsObject)
        {
            throw Fault.BadRequest($"Malformed {body.Name} entity");
        }

        return body.RequireObject().Get(name)
            ?? throw Fault.BadRequest(request.IsLegacy ? $"{body.Name} entity requires {name} attribute" : $"Invalid input for field/attribute {body.Name}.{name}: it is required.");
    }

    private async Task<IReadOnlyDictionary<string, string>> MetadataOfAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        var metadata = body.Get("metadata") is { } given ? MetadataRules.Read(request, given) : new Dictionary<string, string>();
        MetadataRules.CheckCount(request, 0, metadata.Count, (await quotas.LimitsOfAsync(request, cancellation)).MetadataItems, "Image metadata limit exceeded");
        return metadata;
    }

    private static Dictionary<string, string> LocationOf(ApiRequest request, ImageDocument image) => new() { ["Location"] = Links.Self(request, "images", image.Uuid) };
}
