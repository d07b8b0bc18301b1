using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using NovaShim.Api.Requests;
using NovaShim.Compute.Identity;

namespace NovaShim.Api.Identity;

/// <summary>
/// Nova's <c>noauth</c>: nobody is asked who they are. A token is <c>user:project</c>, or a name that stands for both; the login takes any key; the user <c>admin</c> is an administrator. A request
/// without a token may name its user as HTTP's Basic authentication does, with any password: what clients with <c>http_basic</c> send. For tests and for behind somebody who checks.
/// </summary>
internal sealed class NoAuthIdentity(TimeProvider time) : IIdentity
{
    private const string Administrator = "admin";
    private const int MaxName = 255;

    /// <summary>The setting that lets it listen to more than this machine.</summary>
    public const string AnywhereSetting = "identity:noauth_anywhere";

    /// <summary>Throws <see cref="InvalidOperationException"/> where anybody on the network would be whoever they say.</summary>
    public static void CheckPlace(IConfiguration configuration)
    {
        var urls = configuration["api:urls"] ?? "http://127.0.0.1:8774";
        if (!configuration.GetValue(AnywhereSetting, false) && urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault(u => !IsLoopback(u)) is { } open)
        {
            throw new InvalidOperationException($"identity:mode: noauth believes everybody, and {open} is not on this machine alone. Bind to 127.0.0.1, or set {AnywhereSetting}=true.");
        }
    }

    /// <inheritdoc/>
    public Task<AccessToken?> FindAsync(string secret, CancellationToken cancellation)
    {
        var (user, project) = secret.Split(':', 2) is [var name, { Length: > 0 } tenant] ? (name, tenant) : (secret.TrimEnd(':'), secret.TrimEnd(':'));
        return Task.FromResult(IsName(user) && IsName(project) ? Token(user, project) : null);
    }

    /// <inheritdoc/>
    public AccessToken? FindByAuthorization(string header)
    {
        if (!AuthenticationHeaderValue.TryParse(header, out var given) || !"Basic".Equals(given.Scheme, StringComparison.OrdinalIgnoreCase) || given.Parameter is not { } parameter)
        {
            return null;
        }

        // A base64 text is never shorter than what it says.
        var credentials = new byte[parameter.Length];
        if (!Convert.TryFromBase64String(parameter, credentials, out var length) || Array.IndexOf(credentials, (byte)':', 0, length) is not (> 0 and var end))
        {
            return null;
        }

        var user = Encoding.UTF8.GetString(credentials, 0, end);
        return IsName(user) ? Token(user, user) : null;
    }

    /// <inheritdoc/>
    public Task<IssuedToken?> LogInAsync(string userName, string key, string? project, CancellationToken cancellation)
    {
        var tenant = project ?? userName;
        return Task.FromResult(IsName(userName) && IsName(tenant) && !userName.Contains(':', StringComparison.Ordinal) ? new IssuedToken($"{userName}:{tenant}", Token(userName, tenant)) : null);
    }

    /// <inheritdoc/>
    public string UrlFor(ApiRequest request) => $"{request.BaseUrl}/v1.1/";

    private AccessToken Token(string user, string project)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var isAdmin = user == Administrator;
        return new AccessToken
        {
            UserId = user, UserName = user, ProjectId = project, ProjectName = project, IsAdmin = isAdmin, Roles = isAdmin ? [Roles.Admin] : [Roles.Member], IssuedAt = now, ExpiresAt = now.AddDays(1),
        };
    }

    // What becomes part of paths and documents: something, and nothing that cannot be seen.
    private static bool IsName(string name) => name.Length is > 0 and <= MaxName && !name.Contains('/', StringComparison.Ordinal) && name.All(c => c is > ' ' and < '\x7f');

    private static bool IsLoopback(string url)
    {
        var host = BindingAddress.Parse(url).Host;
        return host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
    }
}
