using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using NovaShim.Api.Requests;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Identity;
using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Faults;

/// <summary>
/// The edge at which whatever went wrong becomes a fault in Nova's form: exceptions, and the bare statuses of routing (404, 405). Nobody outside ever
/// sees an exception's text unless it was
/// written for them.
/// </summary>
internal sealed partial class FaultMiddleware(RequestDelegate next, ILogger<FaultMiddleware> logger)
{
    /// <summary>Runs the rest and answers for its failures.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        var surface = ApiRequest.Of(http).Surface;
        try
        {
            await next(http);
            if (http.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
            {
                // A path that ends in an id which is empty names nothing, whatever can be done to its collection.
                var bare = http.Response.StatusCode == StatusCodes.Status405MethodNotAllowed && http.Request.Path.Value is [_, .., '/'] ? StatusCodes.Status404NotFound : http.Response.StatusCode;
                await FaultWriter.WriteAsync(http, surface, bare, FaultNames.DefaultMessage(bare), null, http.RequestAborted);
            }
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (Exception exception)
        {
            // Whatever it is ends here: the alternative is a broken connection.
            var (status, message, retryAfter) = Translate(exception, surface);
            if (status == StatusCodes.Status500InternalServerError)
            {
                LogUnexpected(exception, ApiRequest.Of(http).RequestId, http.Request.Method, http.Request.Path);
            }

            if (http.Response.HasStarted)
            {
                http.Abort();
                return;
            }

            http.Response.Clear();
            await FaultWriter.WriteAsync(http, surface, status, message, retryAfter, http.RequestAborted, (exception as FaultException)?.Details);
        }
    }

    private static (int Status, string Message, int? RetryAfter) Translate(Exception exception, Surface surface) => exception switch
    {
        FaultException fault => (fault.Status, fault.Message, fault.RetryAfter),
        InstanceInvalidStateException { LegacyMessage: { } message } when surface.IsLegacy() => (StatusCodes.Status409Conflict, message, null),
        InstanceInvalidStateException or MigrationInvalidStateException => (StatusCodes.Status409Conflict, exception.Message, null),

        // 2011 took a confirmation without a migration for a bad request, today it is a conflict.
        MigrationNotFoundException => (surface.IsLegacy() ? StatusCodes.Status400BadRequest : StatusCodes.Status409Conflict, exception.Message, null),
        ImageNotFoundException => (StatusCodes.Status404NotFound, exception.Message, null),
        ImageStateException => (StatusCodes.Status409Conflict, exception.Message, null),
        InvalidImageException => (StatusCodes.Status400BadRequest, exception.Message, null),
        ImageTooLargeException => (StatusCodes.Status413PayloadTooLarge, exception.Message, null),
        VerbNotSupportedException => (StatusCodes.Status501NotImplemented, "The requested functionality is not supported.", null),
        HostQuestionException away => (away.IsAway ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status409Conflict, away.Message, null),
        NameTakenException => (StatusCodes.Status409Conflict, exception.Message, null),
        ConfiguredException => (StatusCodes.Status403Forbidden, exception.Message, null),
        BadHttpRequestException { StatusCode: var status } => (status, FaultNames.DefaultMessage(status), null),
        DuplicateKeyException => (StatusCodes.Status409Conflict, "Another request made the same thing at the same moment.", null),
        DocumentStoreException => (StatusCodes.Status503ServiceUnavailable, "The document store does not answer. Please try again later.", 5),
        _ => (StatusCodes.Status500InternalServerError, FaultNames.DefaultMessage(StatusCodes.Status500InternalServerError), null),
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "{RequestId}: {Method} {Path} failed in a way nobody foresaw")]
    private partial void LogUnexpected(Exception exception, string requestId, string method, string path);
}
