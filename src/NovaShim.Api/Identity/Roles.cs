namespace NovaShim.Api.Identity;

/// <summary>The roles users have.</summary>
internal static class Roles
{
    /// <summary>An administrator's or a plain member's.</summary>
    public static IReadOnlyList<string> Of(bool isAdmin) => isAdmin ? ["admin", "member"] : ["member"];
}
