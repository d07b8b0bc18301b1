namespace NovaShim.Api.Requests;

/// <summary>The faces of the program, told apart by the first segment of the path. What differs between them is decided by this value, in one place each.</summary>
internal enum Surface
{
    /// <summary>Version list, health and whatever has no version in its path.</summary>
    Unversioned,

    /// <summary>Compute v1.1, as Nova 2011.3 served it.</summary>
    V11,

    /// <summary>The same under the name it had from 2012.1 on.</summary>
    V2,

    /// <summary>Compute 2.1, the base microversion of today's Nova.</summary>
    V21,

    /// <summary>Identity v3 and v2.0.</summary>
    Identity,

    /// <summary>The Image API v2's read subset.</summary>
    Image,

    /// <summary>The administrator's OData and verbs.</summary>
    Admin,

    /// <summary>The description of the API itself.</summary>
    Description,
}

/// <summary>What is asked of a surface in more than one place.</summary>
internal static class Surfaces
{
    /// <summary>Whether bodies, faults and rules are those of 2011.</summary>
    public static bool IsLegacy(this Surface surface) => surface is Surface.V11 or Surface.V2;

    /// <summary>The surface a path belongs to.</summary>
    public static Surface Of(string path) => FirstSegment(path) switch
    {
        "v1.1" => Surface.V11,
        "v2" => Surface.V2,
        "v2.1" => Surface.V21,
        "v3" or "v2.0" or "identity" => Surface.Identity,
        "image" => Surface.Image,
        "odata" or "admin" => Surface.Admin,
        "api-spec" => Surface.Description,
        _ => Surface.Unversioned,
    };

    private static string FirstSegment(string path)
    {
        var end = path.IndexOf('/', 1);
        return path.Length < 2 ? "" : end < 0 ? path[1..] : path[1..end];
    }
}
