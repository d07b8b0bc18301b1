using System.Globalization;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>What a list of the Image API is asked for: whose images, filters, order, page.</summary>
internal sealed class GlanceFilter(ImageShelf shelf)
{
    private const int DefaultLimit = 25;

    private static readonly string[] MemberStatuses = ["accepted", "pending", "rejected", "all"];
    private static readonly HashSet<string> Ruling = new(StringComparer.Ordinal) { "limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "os_hidden", "tag", "size_min", "size_max" };

    /// <summary>The images on the asked-for page and where the next one is, if something follows.</summary>
    public async Task<(IReadOnlyList<ImageDocument> Page, string First, string? Next)> ListAsync(ApiRequest request, CancellationToken cancellation)
    {
        var paging = Paging.Of(request);
        var limit = request.Query.ContainsKey("limit") ? paging.Limit : DefaultLimit;
        var found = Sorted(request, (await VisibleAsync(request, cancellation)).Where(i => Matches(request, i))).ToList();
        var start = 0;
        if (paging.Marker is { } marker)
        {
            start = found.FindIndex(i => i.Uuid == marker) + 1;
            if (start == 0)
            {
                throw Paging.MarkerNotFound(marker);
            }
        }

        var page = found.Skip(start).Take(limit).ToList();
        var first = "/v2/images" + Query(request, marker: null);
        return (page, first, start + page.Count < found.Count && page.Count > 0 ? "/v2/images" + Query(request, page[^1].Uuid) : null);
    }

    private static string Query(ApiRequest request, string? marker)
    {
        var kept = request.Query.Where(p => p.Key != "marker").SelectMany(p => p.Value.Select(v => $"{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(v ?? "")}"));
        var all = marker is null ? kept : kept.Append($"marker={marker}");
        var text = string.Join('&', all);
        return text.Length == 0 ? "" : "?" + text;
    }

    // Without a visibility the list holds what the tenant owns, the public images and those it has accepted; a community image only who asks for it gets.
    private async Task<IReadOnlyList<ImageDocument>> VisibleAsync(ApiRequest request, CancellationToken cancellation)
    {
        var member = request.QueryValue("member_status") ?? "accepted";
        if (!MemberStatuses.Contains(member))
        {
            throw Fault.BadRequest($"Invalid member_status: {member}. One of {string.Join(", ", MemberStatuses)} is expected.");
        }

        var visibility = request.QueryValue("visibility");
        if (visibility is not (null or "all") && !ImageVisibilities.All.Contains(visibility))
        {
            throw Fault.BadRequest($"Invalid visibility value: {visibility}. One of {string.Join(", ", ImageVisibilities.All)}, all is expected.");
        }

        var project = request.ProjectId;
        List<string> statuses = member == "all" ? [.. MemberStatuses] : [member];
        var images = request.IsAdmin
            ? await shelf.ListAsync(condition: null, cancellation)
            : await shelf.ListAsync(
                i => i.ProjectId == null || i.ProjectId == project || i.Visibility == ImageVisibilities.Public || i.Visibility == ImageVisibilities.Community
                    || (i.Visibility == ImageVisibilities.Shared && i.Members.Any(m => m.ProjectId == project && statuses.Contains(m.Status))),
                cancellation);
        return visibility switch
        {
            null when request.IsAdmin => images,
            null => [.. images.Where(i => i.ProjectId == project || ImageShelf.VisibilityOf(i) != ImageVisibilities.Community)],
            "all" => images,
            _ => [.. images.Where(i => ImageShelf.VisibilityOf(i) == visibility)],
        };
    }

    private static bool Matches(ApiRequest request, ImageDocument image)
    {
        if (image.OsHidden != Flag(request, "os_hidden"))
        {
            return false;
        }

        if (!request.Query["tag"].All(t => image.Tags.Contains(t!)) || !(image.Size >= Bound(request, "size_min", 0) && image.Size <= Bound(request, "size_max", long.MaxValue)))
        {
            return false;
        }

        return request.Query.Where(p => !Ruling.Contains(p.Key)).All(p => p.Value.All(v => Meets(image, p.Key, v ?? "")));
    }

    private static bool Meets(ImageDocument image, string name, string filter) => name switch
    {
        "created_at" => IsInTime(image.CreatedAt, name, filter),
        "updated_at" => IsInTime(image.UpdatedAt ?? image.CreatedAt, name, filter),
        "protected" => image.Protected == (Texts.TryBoolean(filter, out var value) ? value : throw Fault.BadRequest($"Invalid value '{filter}' for 'protected' filter: a boolean is expected.")),
        _ => ValueOf(image, name) is { } text && IsOneOf(filter, text),
    };

    private static string? ValueOf(ImageDocument image, string name) => name switch
    {
        "id" => image.Uuid,
        "name" => image.Name,
        "status" => image.Status,
        "disk_format" => image.DiskFormat,
        "container_format" => image.ContainerFormat,
        "owner" => image.ProjectId,
        "size" => image.Size.ToString(CultureInfo.InvariantCulture),
        "min_disk" => image.MinDisk.ToString(CultureInfo.InvariantCulture),
        "min_ram" => image.MinRam.ToString(CultureInfo.InvariantCulture),
        "checksum" => image.Checksum,
        "os_hash_value" => image.OsHashValue,
        _ => image.Metadata.GetValueOrDefault(name),
    };

    /// <summary>A plain value, or <c>in:</c> and several, each with or without quotation marks.</summary>
    private static bool IsOneOf(string filter, string value) =>
        filter == value || (filter.StartsWith("in:", StringComparison.Ordinal) && filter[3..].Split(',').Any(v => v.Trim('"') == value));

    private static bool IsInTime(DateTime moment, string name, string filter)
    {
        var (word, text) = filter.Split(':', 2) is [("gt" or "gte" or "lt" or "lte" or "eq" or "neq") and var known, var rest] ? (known, rest) : ("eq", filter);
        if (!DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out var bound))
        {
            throw Fault.BadRequest($"Invalid value '{filter}' for '{name}' filter: a time is expected.");
        }

        // Moments are shown in whole seconds.
        var order = new DateTime(moment.Ticks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, DateTimeKind.Utc).CompareTo(bound);
        return word switch
        {
            "gt" => order > 0,
            "gte" => order >= 0,
            "lt" => order < 0,
            "lte" => order <= 0,
            "neq" => order != 0,
            _ => order == 0,
        };
    }

    private static bool Flag(ApiRequest request, string name) =>
        request.QueryValue(name) is { } text && (Texts.TryBoolean(text, out var value) ? value : throw Fault.BadRequest($"Invalid value '{text}' for '{name}' filter: a boolean is expected."));

    private static long Bound(ApiRequest request, string name, long otherwise) => request.QueryValue(name) is not { } text ? otherwise
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
        : throw Fault.BadRequest($"Invalid value '{text}' for '{name}' filter: an integer is expected.");

    // sort=name:asc,size:desc, or sort_key and sort_dir, each of them any number of times; newest first without either.
    private static IEnumerable<ImageDocument> Sorted(ApiRequest request, IEnumerable<ImageDocument> images)
    {
        var keys = request.QueryValue("sort") is { } sort
            ? sort.Split(',').Select(k => k.Split(':', 2) is [var key, var direction] ? (key, direction) : (k, "desc")).ToList()
            : request.Query["sort_key"].Select((k, n) => (k ?? "", request.Query["sort_dir"] is { Count: > 0 } d ? d[Math.Min(n, d.Count - 1)] ?? "" : "desc")).ToList();
        if (request.QueryValue("sort") is null && request.Query["sort_key"].Count == 0 && request.QueryValue("sort_dir") is { } only)
        {
            keys = [("created_at", only)];
        }

        var sorted = images.Order(Comparer<ImageDocument>.Create((a, b) =>
        {
            foreach (var (key, direction) in keys)
            {
                var order = Compare(a, b, key);
                if (order != 0)
                {
                    return direction == "asc" ? order : -order;
                }
            }

            return 0;
        }));
        foreach (var (key, direction) in keys)
        {
            if (direction is not ("asc" or "desc"))
            {
                throw Fault.BadRequest($"Invalid sort direction: {direction}. It must be one of the following: asc, desc.");
            }

            _ = Compare(Nothing, Nothing, key);
        }

        return keys.Count == 0 ? images : sorted;
    }

    private static readonly ImageDocument Nothing = new() { Key = "", Uuid = "", Name = "", DiskFormat = null, Location = null };

    private static int Compare(ImageDocument a, ImageDocument b, string key) => key switch
    {
        "created_at" => a.CreatedAt.CompareTo(b.CreatedAt),
        "updated_at" => (a.UpdatedAt ?? a.CreatedAt).CompareTo(b.UpdatedAt ?? b.CreatedAt),
        "size" => a.Size.CompareTo(b.Size),
        "min_disk" => a.MinDisk.CompareTo(b.MinDisk),
        "min_ram" => a.MinRam.CompareTo(b.MinRam),
        "name" or "status" or "id" or "disk_format" or "container_format" or "owner" => string.CompareOrdinal(ValueOf(a, key), ValueOf(b, key)),
        _ => throw Fault.BadRequest($"Invalid sort key: {key}."),
    };
}
