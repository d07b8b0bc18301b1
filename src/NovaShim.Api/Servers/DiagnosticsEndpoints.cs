using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Hosts;

namespace NovaShim.Api.Servers;

/// <summary>What can be asked about the inside of a server: its figures, for administrators; and the password that its guest has handed over, which none can here.</summary>
internal sealed class DiagnosticsEndpoints(HostQuestions hosts, ServerLookup lookup) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/servers/{id}/diagnostics", async (request, cancellation) => Answer.Of(
            new DiagnosticsDocument(await hosts.DiagnosticsAsync(await lookup.RequireAsync(request, cancellation), request.Context, cancellation)), ApiJson.Default.DiagnosticsDocument)).AdminOnly();

        // A guest hands its password over to the metadata service, of which there is none.
        routes.OnGet("/servers/{id}/os-server-password", async (request, cancellation) =>
        {
            await lookup.RequireAsync(request, cancellation);
            return Answer.Of(new ServerPasswordEnvelope(""), ApiJson.Default.ServerPasswordEnvelope);
        });
        routes.OnDelete("/servers/{id}/os-server-password", async (request, cancellation) =>
        {
            await lookup.RequireAsync(request, cancellation);
            return Answer.NoContent;
        });
    }
}
