using System.Globalization;

namespace NovaShim.XenServerSimulator.XenApi.Model;

/// <summary>The API version that a product version speaks; it decides which fields and messages exist.</summary>
internal readonly record struct ApiVersion(int Major, int Minor)
{
    private static readonly (string Product, ApiVersion Api)[] Releases =
    [
        ("4.", new(1, 1)), ("5.0", new(1, 3)), ("5.5", new(1, 6)), ("5.6", new(1, 7)), ("6.0", new(1, 9)), ("6.1", new(1, 10)), ("6.2", new(2, 0)),
        ("6.5", new(2, 3)), ("7.0", new(2, 5)), ("7.1", new(2, 6)), ("7.2", new(2, 7)), ("7.3", new(2, 8)), ("7.5", new(2, 10)), ("7.6", new(2, 11)),
        ("8.0", new(2, 12)), ("8.1", new(2, 14)), ("8.2", new(2, 15)), ("8", new(2, 21)),
    ];

    /// <summary>The version of a release, by the start of its number; a release that is not known speaks the newest.</summary>
    public static ApiVersion OfProduct(string productVersion) =>
        Releases.Where(r => productVersion.StartsWith(r.Product, StringComparison.Ordinal)).Select(r => r.Api).FirstOrDefault(Releases[^1].Api);

    /// <summary>Whether something that came with API version <paramref name="since"/> is there; "2.16+" stands for everything after 2.15.</summary>
    public bool Has(string since)
    {
        string[] parts = since.TrimEnd('+').Split('.');
        int major = int.Parse(parts[0], CultureInfo.InvariantCulture);
        int minor = int.Parse(parts[1], CultureInfo.InvariantCulture);
        return Major > major || (Major == major && Minor >= minor);
    }
}
