using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Flavors;

/// <summary>What is noted of a flavor for hosts and schedulers: anybody who sees the flavor may read it, administrators may change it.</summary>
internal sealed partial class FlavorExtraSpecs(FlavorShelf flavors) : IComputeCapability
{
    private const int MaxText = 255;

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/flavors/{id}/os-extra_specs", async (request, cancellation) => Show((await flavors.RequireAsync(request, cancellation)).ExtraSpecs));
        routes.OnPost("/flavors/{id}/os-extra_specs", AddAsync).AdminOnly();
        routes.OnGet("/flavors/{id}/os-extra_specs/{key}", async (request, cancellation) =>
            (await flavors.RequireAsync(request, cancellation)).ExtraSpecs.TryGetValue(request.Route("key"), out var value) ? ShowItem(request.Route("key"), value) : throw NoSuchKey(request));
        routes.OnPut("/flavors/{id}/os-extra_specs/{key}", SetAsync).AdminOnly();
        routes.OnDelete("/flavors/{id}/os-extra_specs/{key}", RemoveAsync).AdminOnly();
    }

    private async Task<Answer> AddAsync(ApiRequest request, CancellationToken cancellation)
    {
        (await request.BodyAsync(cancellation)).Only(request.Surface, "extra_specs");
        var given = SpecsOf(await request.BodyAsync("extra_specs", cancellation));
        await flavors.ChangeAsync(request, f => f with { ExtraSpecs = Merge(f.ExtraSpecs, given) }, cancellation);
        return Show(given);
    }

    private async Task<Answer> SetAsync(ApiRequest request, CancellationToken cancellation)
    {
        var key = request.Route("key");
        var body = await request.BodyAsync(cancellation);

        // In XML the one item stands below a root of its own.
        var given = SpecsOf(body.Names() is ["extra_specs"] && body.Get("extra_specs") is { IsObject: true } wrapped ? wrapped : body);
        if (given.Count != 1 || !given.TryGetValue(key, out var value))
        {
            throw Fault.BadRequest("Request body and URI mismatch");
        }

        await flavors.ChangeAsync(request, f => f with { ExtraSpecs = Merge(f.ExtraSpecs, given) }, cancellation);
        return ShowItem(key, value);
    }

    private async Task<Answer> RemoveAsync(ApiRequest request, CancellationToken cancellation)
    {
        var key = request.Route("key");
        await flavors.ChangeAsync(
            request, f => f.ExtraSpecs.ContainsKey(key) ? f with { ExtraSpecs = f.ExtraSpecs.Where(s => s.Key != key).ToDictionary(StringComparer.Ordinal) } : throw NoSuchKey(request), cancellation);
        return Answer.Empty(200);
    }

    private static Dictionary<string, string> SpecsOf(BodyField body)
    {
        var prefix = body.Name.Length == 0 ? 0 : body.Name.Length + 1;
        var specs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in body.Members())
        {
            var key = item.Name[prefix..];
            var value = item.Element.ValueKind == System.Text.Json.JsonValueKind.Number ? item.Element.GetRawText() : item.Text();
            specs[key] = !WellFormedKey().IsMatch(key) ? throw item.Invalid("a key has 1 to 255 letters, digits, spaces, '-', '_', ':' and '.'")
                : value.Length > MaxText ? throw item.Invalid($"a value has at most {MaxText} characters")
                : value;
        }

        return specs;
    }

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> now, Dictionary<string, string> given) =>
        now.Where(s => !given.ContainsKey(s.Key)).Concat(given).ToDictionary(StringComparer.Ordinal);

    private static FaultException NoSuchKey(ApiRequest request) => Fault.NotFound($"Flavor {request.Route("id")} has no extra specs with key {request.Route("key")}.");

    private static Answer Show(IReadOnlyDictionary<string, string> specs) => Answer.Of(new ExtraSpecsEnvelope(specs), ApiJson.Default.ExtraSpecsEnvelope);

    private static Answer ShowItem(string key, string value) => Answer.Of(new ExtraSpecEnvelope { [key] = value }, ApiJson.Default.ExtraSpecEnvelope);

    [GeneratedRegex("^[a-zA-Z0-9-_:. ]{1,255}\\z")]
    private static partial Regex WellFormedKey();
}
