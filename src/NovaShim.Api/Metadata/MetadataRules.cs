using System.Text.RegularExpressions;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Metadata;

/// <summary>What users' metadata may be, of servers and images alike. In 2011 the lengths were held by the quota; today's keys are of few characters.</summary>
internal static partial class MetadataRules
{
    /// <summary>The longest a key or a value may be, in characters.</summary>
    public const int MaxText = 255;

    /// <summary>The items of a <c>metadata</c> or <c>meta</c> object; the surface's fault for one that cannot be.</summary>
    public static IReadOnlyDictionary<string, string> Read(ApiRequest request, BodyField metadata)
    {
        var items = new Dictionary<string, string>(StringComparer.Ordinal);
        var prefix = metadata.Name.Length + 1;
        foreach (var item in metadata.Members())
        {
            var key = item.Name[prefix..];
            items[key] = key.Length == 0 ? throw item.Invalid($"a key has 1 to {MaxText} characters")
                : key.Length > MaxText ? throw TooLong(request, item, "key")
                : !request.IsLegacy && !ModernKey().IsMatch(key) ? throw item.Invalid("a key has letters, digits, spaces and any of - _ : . only")
                : item.Text() is { Length: <= MaxText } value ? value
                : throw TooLong(request, item, "value");
        }

        return items;
    }

    /// <summary>Throws the surface's fault when metadata has grown beyond the quota. What is over it already may stay, and shrink.</summary>
    public static void CheckCount(ApiRequest request, int before, int after, int most, string? message = null)
    {
        if (most >= 0 && after > most && after > before)
        {
            throw Fault.OverQuota(request.Surface, message ?? $"Maximum number of metadata items exceeds {most}");
        }
    }

    private static FaultException TooLong(ApiRequest request, BodyField item, string what) =>
        request.IsLegacy ? Fault.OverQuota(request.Surface, $"Metadata property {what} greater than {MaxText} characters") : item.Invalid($"a {what} has at most {MaxText} characters");

    [GeneratedRegex("^[a-zA-Z0-9_:. -]+$")]
    private static partial Regex ModernKey();
}
