using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Identity;
using NovaShim.Api.Tests.Spec;

namespace NovaShim.Api.Tests;

/// <summary><c>api-spec/openapi.json</c> says what there is: every route and no other, who may use it, and the shape of what it answers.</summary>
[Collection(SharedFace.Name)]
public sealed partial class ApiSpecTests(Face face)
{
    private static readonly JsonNode Spec = ApiDescription.Spec;

    [Fact]
    public void Every_route_is_described_and_everything_described_is_there()
    {
        var routed = face.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(m => $"{m} {e.RoutePattern.RawText}")).Order(StringComparer.Ordinal).ToList();
        var described = Spec["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().SelectMany(o => Expand(p.Key).Select(path => $"{o.Key.ToUpperInvariant()} {path}"))).Order(StringComparer.Ordinal).ToList();
        Assert.Empty(routed.Except(described));
        Assert.Empty(described.Except(routed));
    }

    [Fact]
    public void Who_may_use_a_route_is_described()
    {
        foreach (var endpoint in face.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var requirements = endpoint.Metadata.GetOrderedMetadata<TokenRequirement>();
            var path = ApiDescription.PathOf(endpoint.RoutePattern.RawText!);
            foreach (var method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods)
            {
                var operation = Spec["paths"]![path]![method.ToLowerInvariant()]!;
                Assert.True(requirements.Count == 0 == (operation["security"] is not null), $"{method} {path}");

                // The one route whose handler asks for an administrator itself, because the action is in the body of its sibling.
                Assert.True(requirements.Any(r => r.AdminOnly) == (operation["x-admin-only"] is not null) || path.EndsWith("/migrate", StringComparison.Ordinal), $"{method} {path}");
            }
        }
    }

    [Theory]
    [InlineData("alice", "v1.1:/servers/detail", "/{compute}/servers/detail")]
    [InlineData("alice", "v2.1:/servers/detail?limit=1", "/{compute}/servers/detail")]
    [InlineData("admin", "v2.1:/servers/detail?all_tenants=1", "/{compute}/servers/detail")]
    [InlineData("alice", "v2.1:/servers", "/{compute}/servers")]
    [InlineData("alice", "v1.1:/servers", "/{compute}/servers")]
    [InlineData("alice", "v2.1:/flavors", "/{compute}/flavors")]
    [InlineData("alice", "v2.1:/flavors/detail", "/{compute}/flavors/detail")]
    [InlineData("alice", "v1.1:/flavors/1", "/{compute}/flavors/{id}")]
    [InlineData("alice", "v2.1:/images", "/{compute}/images")]
    [InlineData("alice", "v1.1:/images/detail", "/{compute}/images/detail")]
    [InlineData("alice", "v2.1:/limits", "/{compute}/limits")]
    [InlineData("alice", "/image/v2/images", "/image/v2/images")]
    [InlineData("admin", "v2.1:/os-migrations", "/{compute}/os-migrations")]
    [InlineData("admin", "v2.1:/os-services", "/{compute}/os-services")]
    [InlineData("admin", "v2.1:/os-hypervisors/detail", "/{compute}/os-hypervisors/detail")]
    [InlineData("alice", "v2.1:/os-availability-zone", "/{compute}/os-availability-zone")]
    [InlineData("alice", "/", "/")]
    [InlineData("alice", "/v2.1", "/v2.1")]
    public async Task Answers_have_the_described_shape(string user, string path, string described)
    {
        await face.AddServerAsync("alice");
        var reply = await face.SendAsync(user, "GET", path);
        var schema = Spec["paths"]![described]!["get"]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!;
        Assert.Empty(JsonShape.Mismatches(Spec, schema, reply.Json, "$"));
    }

    [Fact]
    public async Task Answers_to_actions_have_the_described_shape()
    {
        foreach (var surface in new[] { "v1.1", "v2.1" })
        {
            foreach (var (body, status, schema) in new[]
            {
                ("""{"rescue": null}""", 200, """{"$ref": "#/components/schemas/AdminPass"}"""),
                ($$$"""{"rebuild": {"imageRef": "{{{Face.ImageId}}}"}}""", 202, Spec["paths"]!["/{compute}/servers/{id}/action"]!["post"]!["responses"]!["202"]!["content"]!["application/json"]!["schema"]!.ToJsonString()),
            })
            {
                var server = await face.AddServerAsync("alice");
                var reply = await face.SendAsync("alice", "POST", $"{surface}:/servers/{server.Uuid}/action", body);
                Assert.Equal(status, reply.Status);
                Assert.Empty(JsonShape.Mismatches(Spec, JsonNode.Parse(schema)!, reply.Json, "$"));
            }
        }
    }

    [Fact]
    public void The_shape_test_sees_what_is_wrong()
    {
        var schema = Spec["components"]!["schemas"]!["Link"]!;
        Assert.Empty(JsonShape.Mismatches(Spec, schema, JsonNode.Parse("""{"rel": "self", "href": "x"}"""), "$"));
        Assert.NotEmpty(JsonShape.Mismatches(Spec, schema, JsonNode.Parse("""{"rel": "self"}"""), "$"));
        Assert.NotEmpty(JsonShape.Mismatches(Spec, schema, JsonNode.Parse("""{"rel": "self", "href": 1}"""), "$"));
        Assert.NotEmpty(JsonShape.Mismatches(Spec, schema, JsonNode.Parse("""{"rel": "self", "href": "x", "more": 1}"""), "$"));
    }

    private static IEnumerable<string> Expand(string path) => path.StartsWith("/{compute}", StringComparison.Ordinal) ? ApiDescription.ComputeRoots.Select(r => r + path["/{compute}".Length..]) : [path];
}
