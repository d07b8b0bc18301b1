using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Versions;

/// <summary>The one microversion there is: 2.1. Asked for by either of two headers on the surface 2.1 alone; other surfaces know no microversions.</summary>
internal static class Microversion
{
    /// <summary>The only one.</summary>
    public const string Only = "2.1";

    private const string NovaHeader = "X-OpenStack-Nova-API-Version";
    private const string CommonHeader = "OpenStack-API-Version";

    /// <summary>Throws a 400 or 406 when a request asks for another.</summary>
    public static void Check(ApiRequest request)
    {
        if (request.Surface != Surface.V21 || Asked(request) is not { } asked || asked is "latest" or Only)
        {
            return;
        }

        throw asked.Split('.') is [var major, var minor] && int.TryParse(major, out _) && int.TryParse(minor, out _)
            ? new FaultException(StatusCodes.Status406NotAcceptable, $"Version {asked} is not supported by the API. Minimum is {Only} and maximum is {Only}.")
            : Fault.BadRequest($"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum.");
    }

    /// <summary>Says in an answer's headers which one it is.</summary>
    public static void Announce(Surface surface, IHeaderDictionary headers)
    {
        if (surface == Surface.V21)
        {
            headers[NovaHeader] = Only;
            headers[CommonHeader] = $"compute {Only}";
            headers.Append("Vary", $"{CommonHeader}, {NovaHeader}");
        }
    }

    private static string? Asked(ApiRequest request)
    {
        foreach (var entry in request.Header(CommonHeader)?.Split(',', StringSplitOptions.TrimEntries) ?? [])
        {
            if (entry.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["compute", var version])
            {
                return version;
            }
        }

        return request.Header(NovaHeader)?.Trim();
    }
}
