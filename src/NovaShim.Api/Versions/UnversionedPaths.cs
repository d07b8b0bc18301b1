using Microsoft.AspNetCore.Http;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Versions;

/// <summary>
/// Answers 300 Multiple Choices to paths that no route has and that name no version, bookmark links among them. Stands behind routing, so that a wrong
/// method stays a 405.
/// </summary>
internal sealed class UnversionedPaths(RequestDelegate next)
{
    /// <summary>Answers, or goes on.</summary>
    public Task InvokeAsync(HttpContext http)
    {
        var request = ApiRequest.Of(http);
        return http.GetEndpoint() is null && request.Surface == Surface.Unversioned
            ? AnswerWriter.WriteAsync(http, Answer.Of(ComputeVersions.Choices(request), ApiJson.Default.ChoicesEnvelope, StatusCodes.Status300MultipleChoices), http.RequestAborted)
            : next(http);
    }
}
