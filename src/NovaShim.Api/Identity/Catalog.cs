using NovaShim.Api.Requests;

namespace NovaShim.Api.Identity;

/// <summary>The services the program offers and where, from the request's own base.</summary>
internal static class Catalog
{
    /// <summary>The only region.</summary>
    public const string Region = "RegionOne";

    /// <summary>The services: type, name and URL for a tenant.</summary>
    public static IReadOnlyList<(string Type, string Name, string Url)> For(ApiRequest request, string projectId) =>
    [
        ("compute", "nova", $"{request.BaseUrl}/v2.1"),
        ("compute_legacy", "nova_legacy", $"{request.BaseUrl}/v2/{projectId}"),
        ("nova_v11", "nova_v11", $"{request.BaseUrl}/v1.1/{projectId}"),
        ("image", "glance", $"{request.BaseUrl}/image"),
        ("identity", "keystone", $"{request.BaseUrl}/identity"),
    ];
}
