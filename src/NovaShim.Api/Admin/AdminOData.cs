using System.Xml;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OData;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OData.Edm.Csdl;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Plugins;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Admin;

/// <summary>The administrator's view of the documents at <c>/odata/v1</c>: Migrations (progress, rounds and timings with them), Instances, InstanceActions, Hosts, Plugins.</summary>
internal static class AdminOData
{
    private const string Root = "/odata/v1";

    /// <summary>Registers what the library needs.</summary>
    public static IServiceCollection AddAdminOData(this IServiceCollection services) =>
        services.AddOData(options => options.EnableAll(AdminQuery.PageSize).SetTimeZoneInfo(TimeZoneInfo.Utc));

    /// <summary>Maps the sets and the description.</summary>
    public static void MapAdminOData(this IEndpointRouteBuilder routes)
    {
        routes.MapSet<MigrationDocument>("Migrations");
        routes.MapSet<InstanceDocument>("Instances");
        routes.MapSet<InstanceActionDocument>("InstanceActions");
        routes.MapSet<ComputeNodeDocument>("Hosts");
        routes.MapSet<PluginDocument>("Plugins");
        routes.MapMethods($"{Root}/$metadata", [HttpMethods.Get], (RequestDelegate)WriteMetadataAsync).AdminOnly();
    }

    private static void MapSet<T>(this IEndpointRouteBuilder routes, string name) where T : Document =>
        routes.MapMethods($"{Root}/{name}", [HttpMethods.Get], (RequestDelegate)(async http =>
        {
            var collection = http.RequestServices.GetRequiredService<IDocumentStore>().Collection<T>();
            var answer = await AdminQuery.RunAsync(http, collection, name, ApiRequest.Of(http).BaseUrl, http.RequestAborted);
            http.Response.ContentType = "application/json; odata.metadata=minimal";
            http.Response.Headers["OData-Version"] = "4.0";
            await http.Response.WriteAsync(answer.ToJsonString(), http.RequestAborted);
        })).AdminOnly();

    private static async Task WriteMetadataAsync(HttpContext http)
    {
        using var text = new StringWriter();
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true }))
        {
            if (!CsdlWriter.TryWriteCsdl(AdminModel.Edm, xml, CsdlTarget.OData, out var errors))
            {
                throw new InvalidOperationException(string.Join("; ", errors.Select(e => e.ErrorMessage)));
            }
        }

        http.Response.ContentType = "application/xml";
        http.Response.Headers["OData-Version"] = "4.0";
        await http.Response.WriteAsync(text.ToString(), http.RequestAborted);
    }
}
