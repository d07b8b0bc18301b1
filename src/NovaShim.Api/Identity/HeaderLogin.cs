using Microsoft.AspNetCore.Http;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Identity;

/// <summary>The login of 2011: a GET of the version's root with <c>X-Auth-User</c> and <c>X-Auth-Key</c>, answered by headers alone.</summary>
internal sealed class HeaderLogin(IIdentity identity)
{
    /// <summary>204 with the token and where to use it, or a 401.</summary>
    public async Task<Answer> LogInAsync(ApiRequest request, string userName, CancellationToken cancellation)
    {
        var issued = await identity.LogInAsync(userName, request.Header("X-Auth-Key") ?? "", request.Header("X-Auth-Project-Id"), cancellation) ?? throw Fault.Unauthorized();
        var root = request.Surface == Surface.V2 ? "v2" : "v1.1";
        return Answer.Empty(StatusCodes.Status204NoContent, new Dictionary<string, string>
        {
            ["X-Auth-Token"] = issued.Secret,
            ["X-Server-Management-Url"] = $"{request.BaseUrl}/{root}/{Uri.EscapeDataString(issued.Token.ProjectId!)}",

            // There is no such service; clients insist on the headers.
            ["X-Storage-Url"] = "",
            ["X-CDN-Management-Url"] = "",
        });
    }
}
