using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Versions;

namespace NovaShim.Api.Requests;

/// <summary>
/// Refuses what cannot be answered as it was asked for: a format there is no writer for, a microversion there is not. The fault comes in JSON; a client
/// that reads the status is told the truth.
/// </summary>
internal sealed class Negotiation(RequestDelegate next)
{
    /// <summary>Refuses, or goes on.</summary>
    public Task InvokeAsync(HttpContext http)
    {
        var request = ApiRequest.Of(http);
        if (request.Surface == Surface.V2 && request.Format != MediaFormat.Json)
        {
            throw new FaultException(StatusCodes.Status406NotAcceptable, "Only application/json can be answered here; XML is spoken at /v1.1.");
        }

        Microversion.Check(request);
        return next(http);
    }
}
