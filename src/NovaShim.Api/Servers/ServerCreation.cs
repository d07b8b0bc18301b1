using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Flavors;
using NovaShim.Api.Hosts;
using NovaShim.Api.Images;
using NovaShim.Api.KeyPairs;
using NovaShim.Api.Limits;
using NovaShim.Api.Metadata;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Api.SecurityGroups;
using NovaShim.Api.ServerGroups;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Images;
using NovaShim.Compute.KeyPairs;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>
/// Creates servers. Everything asked for is either handed to the driver or refused by name: what another service would be needed for (volumes, networks) is a 400,
/// not a server without it.
/// </summary>
internal sealed class ServerCreation(
    ComputeApi compute, FlavorShelf flavors, BootImages images, KeyPairShelf keyPairs, AvailabilityZones zones, HintsOfBody hintsOfBody, ServerSecurityGroups securityGroups, Quotas quotas)
{
    private const int MaxUserData = 65_535;

    // Glance's: whether servers of this image cannot do without a config drive.
    private const string ConfigDriveProperty = "img_config_drive";

    private static readonly HashSet<string> KnownKeys = new(StringComparer.Ordinal)
    {
        "name", "imageRef", "imageId", "flavorRef", "flavorId", "metadata", "personality", "adminPass", "key_name", "security_groups", "networks",
        "availability_zone", "min_count", "max_count",
        "user_data", "config_drive", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig", "block_device_mapping", "block_device_mapping_v2", "return_reservation_id",
    };

    /// <summary><c>POST /servers</c>.</summary>
    public async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync("server", cancellation);
        if (!request.IsLegacy && body.Names().FirstOrDefault(n => !KnownKeys.Contains(n)) is { } unknown)
        {
            throw Fault.BadRequest($"Invalid input for field/attribute server. Additional properties are not allowed ('{unknown}' was unexpected).");
        }

        var groups = await securityGroups.OfBodyAsync(request, body, cancellation);
        var withoutNetwork = RequestedNetworks.AreNone(body.Get("networks"));
        var attributes = ServerAttributes.Of(request, body);
        var name = attributes.Name ?? throw Fault.BadRequest("Invalid input for field/attribute server.name: it is required.");
        var (least, most) = CountsOf(request, body);
        var metadata = body.Get("metadata") is { } given ? MetadataRules.Read(request, given) : new Dictionary<string, string>();
        var limits = await quotas.LimitsOfAsync(request, cancellation);
        MetadataRules.CheckCount(request, 0, metadata.Count, limits.MetadataItems);

        var guest = new GuestRequest
        {
            AdminPassword = AdminPasswords.OfBody(request, body),
            Files = Personality.FilesOf(request, body.Get("personality"), limits),
        };
        var userData = UserDataOf(request, body);
        var configDrive = body.Get("config_drive") is { IsEmpty: false } drive && drive.Boolean();
        var key = await KeyOfAsync(request, body, cancellation);
        var flavor = await FlavorOfAsync(request, body, cancellation);
        var image = await ImageOfAsync(request, body, flavor, cancellation);
        var zone = body.Get("availability_zone") is { IsEmpty: false } asked ? await zones.CheckAsync(request, asked, cancellation) : null;

        var hints = await hintsOfBody.ReadAsync(request, await request.BodyAsync(cancellation), body, least, cancellation);

        // As many as the quota has room for, but not fewer than asked for at least.
        await using var promised = await quotas.ReserveServersAsync(request, least, most, flavor.ToFlavor(), cancellation);
        var created = await compute.CreateAsync(
            new CreateServer
            {
                Name = name, ImageRef = image.Uuid, Flavor = flavor.ToFlavor(), Metadata = metadata, AvailabilityZone = zone, Hints = hints, SecurityGroups = groups,
                DiskConfig = attributes.DiskConfig ?? "MANUAL",
                AccessIpV4 = attributes.AccessIpV4 ?? "", AccessIpV6 = attributes.AccessIpV6 ?? "",
                KeyName = key?.Name, KeyData = key?.PublicKey, UserData = userData, ConfigDrive = configDrive || image.Metadata.GetValueOrDefault(ConfigDriveProperty) == "mandatory", WithoutNetwork = withoutNetwork, Guest = guest,
            },
            promised.Servers, request.Context, cancellation);
        return Show(request, body, created[0], guest.AdminPassword);
    }

    private static Answer Show(ApiRequest request, BodyField body, InstanceDocument first, string password)
    {
        if (body.Get("return_reservation_id") is { } wanted && wanted.Boolean())
        {
            return Answer.Of(new ReservationEnvelope(first.ReservationId), ApiJson.Default.ReservationEnvelope, StatusCodes.Status202Accepted);
        }

        var location = new Dictionary<string, string> { ["Location"] = Links.Self(request, "servers", first.Uuid) };
        return request.IsLegacy
            ? Answer.Of(new ServerEnvelope(ServerViews.Full(request, first) with { AdminPass = password }), ApiJson.Default.ServerEnvelope, StatusCodes.Status202Accepted, location)
            : Answer.Of(
                new CreatedServerEnvelope(new CreatedServer(first.Uuid, Links.Of(request, "servers", first.Uuid), password, first.DiskConfig, ServerViews.SecurityGroupsOf(first))),
                ApiJson.Default.CreatedServerEnvelope, StatusCodes.Status202Accepted, location);
    }

    private static string? UserDataOf(ApiRequest request, BodyField body)
    {
        if (body.Get("user_data") is not { IsEmpty: false } field)
        {
            return null;
        }

        var data = field.Text(MaxUserData);
        return Personality.IsBase64(data) ? data : throw (request.IsLegacy ? Fault.BadRequest($"Userdata content cannot be decoded: {field.Name}") : field.Invalid("base64 is expected"));
    }

    private async Task<KeyPairDocument?> KeyOfAsync(ApiRequest request, BodyField body, CancellationToken cancellation) =>
        body.Get("key_name") is not { IsEmpty: false } name ? null
        : await keyPairs.FindAsync(request.Context.UserId, name.Text(ServerAttributes.MaxText).Trim(), cancellation) ?? throw Fault.BadRequest("Invalid key_name provided.");

    private static (int Least, int Most) CountsOf(ApiRequest request, BodyField body)
    {
        var least = body.Get("min_count") is { IsEmpty: false } min ? Positive(min) : 1;
        var most = body.Get("max_count") is { IsEmpty: false } max ? Positive(max) : least;

        // In 2011 the maximum had the last word.
        return least <= most ? (least, most) : request.IsLegacy ? (most, most) : throw Fault.BadRequest("min_count must be <= max_count");
    }

    private static int Positive(BodyField field) => field.Integer() is var value and >= 1 ? value : throw field.Invalid("it must be at least 1");

    private async Task<FlavorDocument> FlavorOfAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        var reference = body.Get("flavorRef", "flavorId") ?? throw Fault.BadRequest("Invalid input for field/attribute server.flavorRef: it is required.");
        return await flavors.FindAsync(request, Texts.IdOfReference(reference.Id()), cancellation) ?? throw Fault.BadRequest("Invalid flavorRef provided.");
    }

    private async Task<ImageDocument> ImageOfAsync(ApiRequest request, BodyField body, FlavorDocument flavor, CancellationToken cancellation)
    {
        var reference = body.Get("imageRef", "imageId") is { IsEmpty: false } given ? Texts.IdOfReference(given.Id()) : BlockDevices.ImageOf(body);
        BlockDevices.Check(body, reference ?? "", flavor);
        if (reference is null)
        {
            throw Fault.BadRequest("Invalid input for field/attribute server.imageRef: it is required, because there are no volumes to boot from.");
        }

        return await images.ChooseAsync(request, reference, flavor.ToFlavor(), request.IsLegacy ? "Cannot find requested image" : "Invalid imageRef provided.", cancellation);
    }
}
