using System.Text;
using NovaShim.Api.Faults;
using NovaShim.Api.Limits;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers;

/// <summary>The files a user wants in a guest (<c>personality</c>), within the quotas, with the faults of the surface.</summary>
internal static class Personality
{
    private static readonly string[] Keys = ["path", "contents"];

    /// <summary>The files of a body's <c>personality</c>; none where there is none.</summary>
    public static IReadOnlyList<GuestFile> FilesOf(ApiRequest request, BodyField? personality, QuotaOptions limits)
    {
        if (personality is not { IsEmpty: false } given)
        {
            return [];
        }

        var files = given.Items().Select(item => FileOf(request, item)).ToList();
        if (IsOver(files.Count, limits.InjectedFiles))
        {
            throw Fault.OverQuota(request.Surface, "Personality file limit exceeded");
        }

        if (files.Any(f => IsOver(Encoding.UTF8.GetByteCount(f.Path), limits.InjectedFilePathBytes)))
        {
            throw Fault.OverQuota(request.Surface, request.IsLegacy ? "Personality file path too long" : $"Personality file path exceeds maximum {limits.InjectedFilePathBytes}");
        }

        return files.Any(f => IsOver(Convert.FromBase64String(f.Contents).Length, limits.InjectedFileContentBytes))
            ? throw Fault.OverQuota(request.Surface, request.IsLegacy ? "Personality file content too long" : $"Personality file content exceeds maximum {limits.InjectedFileContentBytes}")
            : files;
    }

    /// <summary>Whether a text is base64; white space within it counts for nothing.</summary>
    public static bool IsBase64(string text) => Convert.TryFromBase64String(text, new byte[text.Length], out _);

    private static GuestFile FileOf(ApiRequest request, BodyField item)
    {
        if (!item.IsObject)
        {
            throw request.IsLegacy ? Fault.BadRequest($"Bad personality format: {item.Name}") : item.Invalid("an object is expected");
        }

        var path = Required(request, item, "path");
        var contents = Required(request, item, "contents");
        if (!request.IsLegacy && item.Names().FirstOrDefault(n => !Keys.Contains(n)) is { } unknown)
        {
            throw Fault.BadRequest($"Invalid input for field/attribute {item.Name}. Additional properties are not allowed ('{unknown}' was unexpected).");
        }

        return path.Text().Any(char.IsControl) ? throw path.Invalid("a path without control characters is expected")
            : path.Text().Length == 0 ? throw path.Invalid("it must not be empty")
            : IsBase64(contents.Text()) ? new GuestFile(path.Text(), contents.Text())
            : throw (request.IsLegacy ? Fault.BadRequest($"Personality content for {path.Text()} cannot be decoded: {contents.Name}") : contents.Invalid("base64 is expected"));
    }

    private static BodyField Required(ApiRequest request, BodyField item, string name) =>
        item.Get(name) ?? throw Fault.BadRequest(request.IsLegacy ? $"Bad personality format: missing {name} ({item.Name}.{name})" : $"Invalid input for field/attribute {item.Name}.{name}: it is required.");

    private static bool IsOver(int value, int limit) => limit >= 0 && value > limit;
}
