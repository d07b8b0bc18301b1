using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;

namespace NovaShim.Api.Health;

/// <summary>The state of this process.</summary>
internal sealed record HealthDocument(string Status) : IJsonOnly;

/// <summary><c>/healthz</c>: 200 while the store answers, 503 otherwise. No token, no details.</summary>
internal sealed class HealthEndpoint(IDocumentStore store)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Maps it.</summary>
    public void Map(IEndpointRouteBuilder routes) => routes.OnGet("/healthz", async (_, cancellation) =>
    {
        try
        {
            await store.PingAsync(cancellation).WaitAsync(Patience, cancellation);
            return Answer.Of(new HealthDocument("ok"), ApiJson.Default.HealthDocument);
        }
        catch (Exception away) when (away is DocumentStoreException or TimeoutException)
        {
            return Answer.Of(new HealthDocument("the document store does not answer"), ApiJson.Default.HealthDocument, StatusCodes.Status503ServiceUnavailable);
        }
    });
}
