using NovaShim.Api.Requests;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>How Identity v3 shows what the directory holds.</summary>
internal static class IdentityViews
{
    /// <summary>Where version 3 is: clients find it in the first place, and some look in the second.</summary>
    public static IReadOnlyList<string> Roots { get; } = ["/identity/v3", "/v3"];

    /// <summary>The only domain.</summary>
    public static NamedReference Domain { get; } = new(UserDirectory.DomainId, UserDirectory.DomainName);

    /// <summary>The links of a list at the request's path.</summary>
    public static ListLinks List(ApiRequest request) => new($"{request.BaseUrl}{request.Path}");

    /// <summary>A user.</summary>
    public static UserView User(ApiRequest request, UserDocument user) =>
        new(user.Key, user.Name, Domain.Id, user.Enabled, user.Description, user.Email, user.DefaultProjectId, null, Self(request, "users", user.Key));

    /// <summary>A project.</summary>
    public static ProjectView Project(ApiRequest request, ProjectDocument project) =>
        new(project.Key, project.Name, Domain.Id, project.Enabled, false, Domain.Id, project.Description, [], Self(request, "projects", project.Key));

    /// <summary>A role.</summary>
    public static RoleView Role(ApiRequest request, string role) => new(role, role, null, Self(request, "roles", role));

    /// <summary>The domain.</summary>
    public static DomainView TheDomain(ApiRequest request) => new(Domain.Id, Domain.Name, true, "The only domain", Self(request, "domains", Domain.Id));

    /// <summary>The root the request came to, with where the program is.</summary>
    public static string Root(ApiRequest request) => request.BaseUrl + (request.Path.StartsWith(Roots[1], StringComparison.Ordinal) ? Roots[1] : Roots[0]);

    private static SelfLink Self(ApiRequest request, string collection, string id) => new($"{Root(request)}/{collection}/{id}");
}
