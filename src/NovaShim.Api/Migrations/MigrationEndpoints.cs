using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;

namespace NovaShim.Api.Migrations;

/// <summary>The migrations, for administrators. Progress, rounds and timings are in the administrator's OData.</summary>
internal sealed class MigrationEndpoints(IDocumentStore store) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes) => routes.OnGet("/os-migrations", ListAsync).AdminOnly();

    private async Task<Answer> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var migrations = store.Collection<MigrationDocument>();
        var wanted = migrations.Query().Where(m => !m.Deleted);
        if (request.QueryValue("instance_uuid") is { } instance)
        {
            wanted = wanted.Where(m => m.InstanceUuid == instance);
        }

        if (request.QueryValue("status") is { } status)
        {
            wanted = wanted.Where(m => m.Status == status);
        }

        if (request.QueryValue("host") is { } host)
        {
            wanted = wanted.Where(m => m.SourceCompute == host || m.DestCompute == host);
        }

        if (request.QueryValue("source_compute") is { } source)
        {
            wanted = wanted.Where(m => m.SourceCompute == source);
        }

        if (request.QueryValue("hidden") is { } hidden)
        {
            // None is hidden: a cloud with cells hides what its parts have under way.
            var none = Texts.TryBoolean(hidden, out var only) ? only : throw Fault.BadRequest($"Invalid hidden filter [{hidden}]");
            wanted = none ? wanted.Where(m => m.Deleted) : wanted;
        }

        if (request.QueryValue("migration_type") is { } type)
        {
            wanted = wanted.Where(m => m.MigrationType == type);
        }

        var found = await migrations.ListAsync(wanted.OrderByDescending(m => m.Id).Take(Paging.MaxLimit), cancellation);
        return Answer.Of(new MigrationsEnvelope([.. found.Select(View)]), ApiJson.Default.MigrationsEnvelope);
    }

    private static MigrationView View(MigrationDocument m) => new()
    {
        Id = m.Id, Status = m.Status, InstanceUuid = m.InstanceUuid, SourceNode = m.SourceNode, SourceCompute = m.SourceCompute,
        DestNode = m.DestNode, DestCompute = m.DestCompute, DestHost = m.DestHost,
        OldInstanceTypeId = m.OldInstanceTypeId, NewInstanceTypeId = m.NewInstanceTypeId, CreatedAt = Texts.DatabaseMoment(m.CreatedAt),
        UpdatedAt = m.UpdatedAt is { } u ? Texts.DatabaseMoment(u) : null,
    };
}
