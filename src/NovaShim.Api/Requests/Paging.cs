using System.Globalization;
using System.Text;
using NovaShim.Api.Faults;

namespace NovaShim.Api.Requests;

/// <summary>The page a list was asked for.</summary>
/// <param name="Limit">How many items at most.</param>
/// <param name="Marker">The id of the item before the first one wanted; null for the first page.</param>
internal sealed record Paging(int Limit, string? Marker)
{
    /// <summary>The most items a page has (Nova's <c>osapi_max_limit</c>).</summary>
    public const int MaxLimit = 1000;

    /// <summary>Reads <c>limit</c> and <c>marker</c>. A limit above the maximum is the maximum; 0 was so, too, in 2011, and asks for nothing today.</summary>
    public static Paging Of(ApiRequest request)
    {
        var limit = MaxLimit;
        if (request.Query.TryGetValue("limit", out var asked) && asked.Count > 0)
        {
            if (!int.TryParse(asked[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out limit))
            {
                throw Fault.BadRequest("limit param must be an integer");
            }

            if (limit < 0)
            {
                throw Fault.BadRequest("limit param must be positive");
            }

            limit = limit == 0 && request.IsLegacy ? MaxLimit : Math.Min(limit, MaxLimit);
        }

        return new Paging(limit, request.QueryValue("marker"));
    }

    /// <summary>The fault for a marker that names nothing the user can see.</summary>
    public static FaultException MarkerNotFound(string marker) => Fault.BadRequest($"marker [{marker}] not found");

    /// <summary>The link to the next page when this one is full, as Nova gives it even when nothing follows; null otherwise.</summary>
    public IReadOnlyList<Link>? NextLinks(ApiRequest request, int count, string? lastId)
    {
        if (count < Limit || lastId is null)
        {
            return null;
        }

        var url = new StringBuilder(request.BaseUrl).Append(request.EscapedPath).Append('?');
        foreach (var (name, values) in request.Query)
        {
            foreach (var value in name is "marker" or "limit" or "fresh" ? [] : values.ToArray())
            {
                url.Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value ?? "")).Append('&');
            }
        }

        url.Append(CultureInfo.InvariantCulture, $"limit={Limit}&marker={Uri.EscapeDataString(lastId)}");
        return [new Link("next", url.ToString())];
    }
}
