using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers;

/// <summary>Consoles that a proxy would give to a server. There is no such proxy, so that no server has one, and none can be made.</summary>
internal sealed class ConsoleEndpoints(ServerLookup lookup) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/servers/{id}/consoles", async (request, cancellation) =>
        {
            await lookup.RequireAsync(request, cancellation);
            return Answer.Of(new ConsolesEnvelope([]), ApiJson.Default.ConsolesEnvelope);
        });
        routes.OnPost("/servers/{id}/consoles", async (request, cancellation) =>
        {
            await lookup.RequireAsync(request, cancellation);
            throw new FaultException(StatusCodes.Status501NotImplemented, "The requested functionality is not supported.");
        });
        routes.On([HttpMethods.Get, HttpMethods.Delete], "/servers/{id}/consoles/{console_id}", async (request, cancellation) =>
        {
            await lookup.RequireAsync(request, cancellation);
            throw Fault.NotFound($"Console {request.Route("console_id")} could not be found.");
        });
    }
}

/// <summary>A console.</summary>
internal sealed record ConsoleView(int Id, string ConsoleType);

/// <summary>Consoles.</summary>
internal sealed record ConsolesEnvelope(IReadOnlyList<ConsoleView> Consoles);
