using Microsoft.AspNetCore.Http;

namespace NovaShim.Api.Faults;

/// <summary>A request ends in a fault of this status. <see cref="FaultMiddleware"/> gives it the form of the surface.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="message">For the user.</param>
internal sealed class FaultException(int status, string message) : Exception(message)
{
    /// <summary>The HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>What explains the message; null when nothing does.</summary>
    public string? Details { get; init; }

    /// <summary>After how many seconds it may be tried again; null when nothing is promised.</summary>
    public int? RetryAfter { get; init; }
}

/// <summary>The faults that many places raise.</summary>
internal static class Fault
{
    /// <summary>400.</summary>
    public static FaultException BadRequest(string message) => new(StatusCodes.Status400BadRequest, message);

    /// <summary>401.</summary>
    public static FaultException Unauthorized(string message = "The request you have made requires authentication.") => new(StatusCodes.Status401Unauthorized, message);

    /// <summary>403.</summary>
    public static FaultException Forbidden(string message) => new(StatusCodes.Status403Forbidden, message);

    /// <summary>404.</summary>
    public static FaultException NotFound(string message) => new(StatusCodes.Status404NotFound, message);

    /// <summary>409.</summary>
    public static FaultException Conflict(string message) => new(StatusCodes.Status409Conflict, message);

    /// <summary>More than the quota allows: 413 in 2011, 403 today.</summary>
    public static FaultException OverQuota(Requests.Surface surface, string message) =>
        Requests.Surfaces.IsLegacy(surface) ? new FaultException(StatusCodes.Status413PayloadTooLarge, message) { RetryAfter = 0 } : Forbidden(message);
}
