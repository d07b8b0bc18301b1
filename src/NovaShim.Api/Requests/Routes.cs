using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Identity;
using NovaShim.Api.Representations;

namespace NovaShim.Api.Requests;

/// <summary>Handles one route. Knows neither HTTP nor formats.</summary>
internal delegate Task<Answer> RouteHandler(ApiRequest request, CancellationToken cancellation);

/// <summary>A capability of the compute API. It is mapped once below each prefix of the compute surfaces.</summary>
internal interface IComputeCapability
{
    /// <summary>Maps its routes.</summary>
    void Map(IEndpointRouteBuilder routes);
}

/// <summary>Maps handlers to routes.</summary>
internal static class Routes
{
    private static readonly string[] Get = [HttpMethods.Get];
    private static readonly string[] Post = [HttpMethods.Post];
    private static readonly string[] Put = [HttpMethods.Put];
    private static readonly string[] Patch = [HttpMethods.Patch];
    private static readonly string[] Delete = [HttpMethods.Delete];

    /// <summary>A GET.</summary>
    public static IEndpointConventionBuilder OnGet(this IEndpointRouteBuilder routes, string pattern, RouteHandler handler) => routes.On(Get, pattern, handler);

    /// <summary>A POST.</summary>
    public static IEndpointConventionBuilder OnPost(this IEndpointRouteBuilder routes, string pattern, RouteHandler handler) => routes.On(Post, pattern, handler);

    /// <summary>A PUT.</summary>
    public static IEndpointConventionBuilder OnPut(this IEndpointRouteBuilder routes, string pattern, RouteHandler handler) => routes.On(Put, pattern, handler);

    /// <summary>A PATCH.</summary>
    public static IEndpointConventionBuilder OnPatch(this IEndpointRouteBuilder routes, string pattern, RouteHandler handler) => routes.On(Patch, pattern, handler);

    /// <summary>A DELETE.</summary>
    public static IEndpointConventionBuilder OnDelete(this IEndpointRouteBuilder routes, string pattern, RouteHandler handler) => routes.On(Delete, pattern, handler);

    /// <summary>Any of some methods.</summary>
    public static IEndpointConventionBuilder On(this IEndpointRouteBuilder routes, string[] methods, string pattern, RouteHandler handler) =>
        routes.MapMethods(pattern, methods, (RequestDelegate)(async http =>
            await AnswerWriter.WriteAsync(http, await handler(ApiRequest.Of(http), http.RequestAborted), http.RequestAborted)));

    /// <summary>Only administrators: 403 before anything is looked up.</summary>
    public static TBuilder AdminOnly<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new TokenRequirement(AdminOnly: true));

    /// <summary>Anybody with a valid token, be it scoped to a tenant or not.</summary>
    public static TBuilder NeedsAnyToken<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new TokenRequirement(AdminOnly: false, Unscoped: true));

    /// <summary>Anybody with a valid token that is scoped to a tenant.</summary>
    public static TBuilder NeedsToken<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new TokenRequirement(AdminOnly: false));
}
