using NovaShim.Api.Requests;

namespace NovaShim.Api.Faults;

/// <summary>The names faults have, by surface and status. <c>api-spec/faults.json</c> is the same table for people and tests.</summary>
internal static class FaultNames
{
    /// <summary>The name of the fault of a status.</summary>
    public static string Of(Surface surface, int status) => status switch
    {
        400 => "badRequest",
        401 => "unauthorized",
        403 => surface.IsLegacy() ? "resizeNotAllowed" : "forbidden",
        404 => "itemNotFound",
        405 => "badMethod",
        409 => surface.IsLegacy() ? "inProgress" : "conflictingRequest",
        413 => "overLimit",
        415 => "badMediaType",
        429 => surface.IsLegacy() ? "overLimit" : "tooManyRequests",
        501 => "notImplemented",
        503 => "serviceUnavailable",
        _ => surface.IsLegacy() ? "cloudServersFault" : "computeFault",
    };

    /// <summary>What a fault says when whoever raised it said nothing: routing's own answers.</summary>
    public static string DefaultMessage(int status) => status switch
    {
        400 => "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        401 => "The request you have made requires authentication.",
        403 => "You are not allowed to do this.",
        404 => "The resource could not be found.",
        405 => "The method is not allowed for this resource.",
        408 => "The request's body did not arrive in time.",
        413 => "Request is too large.",
        415 => "Unsupported content type.",
        _ => "The server has either erred or is incapable of performing the requested operation.",
    };
}
