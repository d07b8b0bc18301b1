using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.KeyPairs;

namespace NovaShim.Api.KeyPairs;

/// <summary>
/// <c>os-keypairs</c>: a user's key pairs, made here or brought along. They are the user's, whatever the tenant; an administrator may name another user by <c>user_id</c>.
/// </summary>
internal sealed partial class KeyPairEndpoints(KeyPairShelf shelf, Quotas quotas) : IComputeCapability
{
    private static readonly HashSet<string> KnownKeys = new(StringComparer.Ordinal) { "name", "public_key", "type", "user_id" };

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-keypairs", ListAsync);
        routes.OnPost("/os-keypairs", CreateAsync);
        routes.OnGet("/os-keypairs/{name}", async (request, cancellation) =>
            await shelf.FindAsync(UserOf(request, request.QueryValue("user_id")), request.Route("name"), cancellation) is { } found
                ? Answer.Of(new KeyPairEnvelope(Shown(found)), ApiJson.Default.KeyPairEnvelope)
                : throw NotFound(request));
        routes.OnDelete("/os-keypairs/{name}", async (request, cancellation) =>
            await shelf.RemoveAsync(UserOf(request, request.QueryValue("user_id")), request.Route("name"), cancellation) ? Answer.Accepted : throw NotFound(request));
    }

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var paging = Paging.Of(request);
        IReadOnlyList<KeyPairDocument> found = await shelf.ListAsync(UserOf(request, request.QueryValue("user_id")), cancellation);
        if (paging.Marker is { } marker)
        {
            found = found.Any(k => k.Name == marker) ? [.. found.SkipWhile(k => k.Name != marker).Skip(1)] : throw Paging.MarkerNotFound(marker);
        }

        var page = found.Take(paging.Limit).ToList();
        return Answer.Of(
            new KeyPairsEnvelope([.. page.Select(k => new KeyPairEnvelope(Listed(k)))], request.QueryValue("limit") is null ? null : paging.NextLinks(request, page.Count, page.LastOrDefault()?.Name)),
            ApiJson.Default.KeyPairsEnvelope);
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync("keypair", cancellation);
        if (!request.IsLegacy && body.Names().FirstOrDefault(n => !KnownKeys.Contains(n)) is { } unknown)
        {
            throw Fault.BadRequest($"Invalid input for field/attribute keypair. Additional properties are not allowed ('{unknown}' was unexpected).");
        }

        var name = NameOf(request, body.Require("name"));
        var user = UserOf(request, body.Get("user_id")?.Text());
        if (body.Get("type") is { } type && type.Text() != "ssh")
        {
            throw type.Invalid("ssh is expected: no other key pairs are kept here");
        }

        if (await shelf.FindAsync(user, name, cancellation) is not null)
        {
            throw Exists(name);
        }

        var most = (await quotas.LimitsOfAsync(request, cancellation)).KeyPairs;
        if (most >= 0 && (await shelf.ListAsync(user, cancellation)).Count >= most)
        {
            throw Fault.OverQuota(request.Surface, "Quota exceeded, too many key pairs.");
        }

        // Null is how clients of the period say that they bring none.
        var given = body.Get("public_key") ?? (request.IsLegacy || !body.Has("public_key") ? null : throw Fault.BadRequest("Invalid input for field/attribute keypair.public_key: a string is expected."));
        var fingerprint = "";
        if (given is { } key && !SshPublicKey.TryFingerprint(key.Text(), out fingerprint!))
        {
            throw Fault.BadRequest($"Keypair data is invalid: {key.Name} is not a public key of OpenSSH: failed to generate fingerprint");
        }

        var made = given is null ? GeneratedKeyPair.Make() : null;
        try
        {
            var kept = await shelf.AddAsync(user, name, made?.PublicKey ?? given!.Value.Text(), made?.Fingerprint ?? fingerprint, cancellation);
            return Answer.Of(new KeyPairEnvelope(Listed(kept) with { UserId = kept.UserId, PrivateKey = made?.PrivateKey }), ApiJson.Default.KeyPairEnvelope);
        }
        catch (DuplicateKeyException)
        {
            throw Exists(name);
        }
    }

    private static string NameOf(ApiRequest request, BodyField field)
    {
        var given = field.Text(255);
        var name = given.Trim();
        return name.Length == 0 ? throw field.Invalid("it must not be blank")
            : name.Any(char.IsControl) ? throw field.Invalid("it must not have control characters")
            : request.IsLegacy ? name
            : name.Length != given.Length ? throw field.Invalid("it must not begin or end with a space")
            : ModernName().IsMatch(name) ? name
            : throw field.Invalid("it may have letters, digits, spaces, '-' and '_' only");
    }

    private static string UserOf(ApiRequest request, string? asked) =>
        asked is null || asked == request.Context.UserId ? request.Context.UserId
        : request.IsAdmin ? asked
        : throw Fault.Forbidden("Policy doesn't allow the key pairs of another user to be used by anybody but an administrator.");

    private static FaultException Exists(string name) => Fault.Conflict($"Key pair '{name}' already exists.");

    private static FaultException NotFound(ApiRequest request) =>
        Fault.NotFound($"Keypair {request.Route("name")} not found for user {request.QueryValue("user_id") ?? request.Context.UserId}");

    private static KeyPairView Listed(KeyPairDocument k) => new() { Name = k.Name, PublicKey = k.PublicKey, Fingerprint = k.Fingerprint };

    private static KeyPairView Shown(KeyPairDocument k) => Listed(k) with
    {
        UserId = k.UserId, Id = k.Id, Deleted = false, CreatedAt = Texts.DatabaseMoment(k.CreatedAt), UpdatedAt = ShownText.Of(null), DeletedAt = ShownText.Of(null),
    };

    [GeneratedRegex("^[_\\- a-zA-Z0-9]+$")]
    private static partial Regex ModernName();
}
