using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Flavors;

namespace NovaShim.Api.Flavors;

/// <summary>
/// Makes and removes flavors, for administrators. Servers keep theirs whole: one whose flavor is gone is shown, resized and reverted as before.
/// </summary>
internal sealed partial class FlavorManagement(FlavorShelf flavors) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnPost("/flavors", CreateAsync).AdminOnly();
        routes.OnDelete("/flavors/{id}", async (request, cancellation) =>
        {
            await flavors.ChangeAsync(request, f => f with { Deleted = f.Id }, cancellation);
            return Answer.Accepted;
        }).AdminOnly();
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        (await request.BodyAsync(cancellation)).Only(request.Surface, "flavor");
        var body = (await request.BodyAsync("flavor", cancellation)).Only(
            request.Surface, "name", "id", "ram", "vcpus", "disk", "swap", "rxtx_factor", "OS-FLV-EXT-DATA:ephemeral", "os-flavor-access:is_public");
        var created = await flavors.AddAsync(
            new FlavorDocument
            {
                Key = Guid.NewGuid().ToString(), Id = 0, FlavorId = body.Get("id") is { } id ? IdOf(id) : Guid.NewGuid().ToString(), Name = body.Require("name").NameText(request.Surface),
                MemoryMb = body.Require("ram").Integer(1), Vcpus = body.Require("vcpus").Integer(1), RootGb = body.Require("disk").Integer(0),
                EphemeralGb = body.Get("OS-FLV-EXT-DATA:ephemeral")?.Integer(0) ?? 0, Swap = body.Get("swap") is { IsEmpty: false } swap ? swap.Integer(0) : 0,
                RxtxFactor = body.Get("rxtx_factor") is { } factor ? FactorOf(factor) : 1.0, IsPublic = body.Get("os-flavor-access:is_public")?.Boolean() ?? true,
            },
            cancellation);
        return Answer.Of(new FlavorEnvelope(FlavorViews.Full(request, created)), ApiJson.Default.FlavorEnvelope);
    }

    private static string IdOf(BodyField field) =>
        field.Id() is { Length: >= 1 and <= 255 } id && WellFormedId().IsMatch(id) ? id : throw field.Invalid("letters, digits, spaces inside, '.', '_' and '-' are expected, at most 255");

    private static double FactorOf(BodyField field)
    {
        var text = field.IsText ? field.Text() : field.Element.GetRawText();
        return double.TryParse(text, NumberStyles.AllowDecimalPoint | (field.IsText ? NumberStyles.None : NumberStyles.AllowExponent), CultureInfo.InvariantCulture, out var factor) && factor is > 0 and < 1e9
            ? factor
            : throw field.Invalid("a number above 0 is expected");
    }

    [GeneratedRegex("^(?! )[a-zA-Z0-9. _-]+(?<! )\\z")]
    private static partial Regex WellFormedId();
}
