using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Quotas;

namespace NovaShim.Api.Limits;

/// <summary>Quotas of classes of tenants, for administrators. All tenants are of the class <c>default</c>: what is set for it is what every tenant may have for which nothing else is set.</summary>
internal sealed class QuotaClassEndpoints(QuotaSettings settings) : IComputeCapability
{
    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.OnGet("/os-quota-class-sets/{class}", async (request, cancellation) => Show(NameOf(request), await settings.OfClassAsync(NameOf(request), cancellation))).AdminOnly();
        routes.OnPut("/os-quota-class-sets/{class}", async (request, cancellation) =>
        {
            (await request.BodyAsync(cancellation)).Only(request.Surface, "quota_class_set");
            await settings.SetClassAsync(NameOf(request), QuotaBody.LimitsOf(request, await request.BodyAsync("quota_class_set", cancellation), "class_name"), cancellation);
            return Show(null, await settings.OfClassAsync(NameOf(request), cancellation));
        }).AdminOnly();
    }

    private static string NameOf(ApiRequest request) => request.Route("class");

    private static Answer Show(string? name, IReadOnlyDictionary<string, int> limits) => Answer.Of(new QuotaClassSetEnvelope(QuotaBody.SetOf(name, limits)), ApiJson.Default.QuotaClassSetEnvelope);
}
