using NovaShim.Api.Requests;

namespace NovaShim.Api.Identity;

/// <summary>Who knows the users: the program itself, an external Keystone, or nobody. One is chosen by <c>identity:mode</c>.</summary>
internal interface IIdentity
{
    /// <summary>What a token says, if it is valid. Throws a 503 when whoever knows does not answer.</summary>
    Task<AccessToken?> FindAsync(string secret, CancellationToken cancellation);

    /// <summary>Whom the <c>Authorization</c> header of a request without a token names, where that is believed; null otherwise.</summary>
    AccessToken? FindByAuthorization(string header) => null;

    /// <summary>A token for a name and a password, scoped to the tenant with this id or name, or to the user's own; null when they are not right. Throws likewise.</summary>
    Task<IssuedToken?> LogInAsync(string userName, string key, string? project, CancellationToken cancellation);

    /// <summary>Where a client that has no valid token gets one.</summary>
    string UrlFor(ApiRequest request);
}
