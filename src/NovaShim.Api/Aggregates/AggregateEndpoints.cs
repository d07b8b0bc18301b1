using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Aggregates;

namespace NovaShim.Api.Aggregates;

/// <summary>Aggregates of hosts and the availability zones they make, for administrators.</summary>
internal sealed partial class AggregateEndpoints(AggregateApi aggregates) : IComputeCapability
{
    private const int MaxText = 255;

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-aggregates", async (_, cancellation) =>
            Answer.Of(new AggregatesEnvelope([.. (await aggregates.ListAsync(cancellation)).Select(View)]), ApiJson.Default.AggregatesEnvelope)).AdminOnly();
        routes.OnPost("/os-aggregates", CreateAsync).AdminOnly();
        routes.OnGet("/os-aggregates/{id}", (request, cancellation) => TryAsync(async () => Show(await aggregates.GetAsync(IdOf(request), cancellation)))).AdminOnly();
        routes.OnPut("/os-aggregates/{id}", UpdateAsync).AdminOnly();
        routes.OnDelete("/os-aggregates/{id}", (request, cancellation) => TryAsync(async () =>
        {
            await aggregates.DeleteAsync(IdOf(request), cancellation);
            return Answer.Empty(200);
        })).AdminOnly();
        routes.OnPost("/os-aggregates/{id}/action", ActAsync).AdminOnly();
    }

    private async Task<Answer> CreateAsync(ApiRequest request, CancellationToken cancellation)
    {
        (await request.BodyAsync(cancellation)).Only(request.Surface, "aggregate");
        var body = (await request.BodyAsync("aggregate", cancellation)).Only(request.Surface, "name", "availability_zone");
        var (name, zone) = (body.Require("name").NameText(request.Surface), body.Get("availability_zone")?.NameText(request.Surface));
        return await TryAsync(async () => Answer.Of(
            new AggregateEnvelope(View(await aggregates.CreateAsync(name, zone, cancellation)) with { Hosts = null, Metadata = null }), ApiJson.Default.AggregateEnvelope));
    }

    private async Task<Answer> UpdateAsync(ApiRequest request, CancellationToken cancellation)
    {
        (await request.BodyAsync(cancellation)).Only(request.Surface, "aggregate");
        var body = (await request.BodyAsync("aggregate", cancellation)).Only(request.Surface, "name", "availability_zone");
        var name = body.Get("name")?.NameText(request.Surface);
        if (name is null && !body.Has("availability_zone"))
        {
            throw body.Invalid("a name or an availability_zone is expected");
        }

        var metadata = body.Has("availability_zone")
            ? new Dictionary<string, string?> { [AggregateDocument.ZoneKey] = body.Get("availability_zone")?.NameText(request.Surface) }
            : [];
        return await TryAsync(async () => Show(await aggregates.UpdateAsync(IdOf(request), name, metadata, cancellation)));
    }

    private async Task<Answer> ActAsync(ApiRequest request, CancellationToken cancellation)
    {
        var body = await request.BodyAsync(cancellation);
        if (body.Names() is not [("add_host" or "remove_host" or "set_metadata") and var action])
        {
            throw Fault.BadRequest("The body must have exactly one key: add_host, remove_host or set_metadata.");
        }

        var arguments = body.Require(action).RequireObject().Only(request.Surface, action == "set_metadata" ? "metadata" : "host");
        if (action == "set_metadata")
        {
            var metadata = MetadataOf(request, arguments.Require("metadata"));
            return await TryAsync(async () => Show(await aggregates.UpdateAsync(IdOf(request), null, metadata, cancellation)));
        }

        var host = arguments.Require("host").Text(MaxText);
        return await TryAsync(async () => Show(
            action == "add_host" ? await aggregates.AddHostAsync(IdOf(request), host, cancellation) : await aggregates.RemoveHostAsync(IdOf(request), host, cancellation)));
    }

    /// <summary>Names to texts or, for what is to be taken out, to null.</summary>
    private static Dictionary<string, string?> MetadataOf(ApiRequest request, BodyField metadata)
    {
        var items = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var item in metadata.Members())
        {
            var key = item.Name[(metadata.Name.Length + 1)..];
            items[key] = !WellFormedKey().IsMatch(key) ? throw item.Invalid("a key has 1 to 255 letters, digits, spaces, '-', '_', ':' and '.'")
                : item.Element.ValueKind == JsonValueKind.Null ? null
                : key == AggregateDocument.ZoneKey ? item.NameText(request.Surface)
                : item.Text() is { Length: <= MaxText } value ? value
                : throw item.Invalid($"a value has at most {MaxText} characters");
        }

        return items;
    }

    private static async Task<Answer> TryAsync(Func<Task<Answer>> work)
    {
        try
        {
            return await work();
        }
        catch (AggregateRefusedException refused)
        {
            throw refused.Reason switch
            {
                AggregateRefusal.NoAggregate or AggregateRefusal.NoHost or AggregateRefusal.HostNotThere => Fault.NotFound(refused.Message),
                AggregateRefusal.HostThere or AggregateRefusal.NameTaken or AggregateRefusal.HostInAnotherZone => Fault.Conflict(refused.Message),
                _ => Fault.BadRequest(refused.Message),
            };
        }
    }

    private static int IdOf(ApiRequest request) => int.TryParse(request.Route("id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        ? id
        : throw Fault.NotFound($"Aggregate {request.Route("id")} could not be found.");

    private static Answer Show(AggregateDocument aggregate) => Answer.Of(new AggregateEnvelope(View(aggregate)), ApiJson.Default.AggregateEnvelope);

    private static AggregateView View(AggregateDocument a) => new()
    {
        Id = a.Id, Name = a.Name, AvailabilityZone = a.Zone(), CreatedAt = Texts.DatabaseMoment(a.CreatedAt), UpdatedAt = a.UpdatedAt is { } updated ? Texts.DatabaseMoment(updated) : null,
        Hosts = a.Hosts, Metadata = a.Metadata,
    };

    [GeneratedRegex("^[a-zA-Z0-9-_:. ]{1,255}\\z")]
    private static partial Regex WellFormedKey();
}
