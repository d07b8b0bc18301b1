using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Admin;

/// <summary>What administrators do to migrations, for which Nova has no words: abort and retry.</summary>
internal sealed class MigrationVerbs(OperatorApi migrations)
{
    private const string Root = "/admin/v1/migrations/{id}";

    /// <summary>Maps the verbs.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnPost($"{Root}/abort", (request, cancellation) => ActAsync(request, migrations.AbortMigrationAsync, cancellation)).AdminOnly();
        routes.OnPost($"{Root}/retry", (request, cancellation) => ActAsync(request, migrations.RetryMigrationAsync, cancellation)).AdminOnly();
    }

    private static async Task<Answer> ActAsync(ApiRequest request, Func<string, CancellationToken, Task<MigrationDocument?>> act, CancellationToken cancellation) =>
        await act(request.Route("id"), cancellation) is not null ? Answer.Accepted : throw Fault.NotFound($"Migration {request.Route("id")} could not be found.");
}
