using System.Security.Cryptography;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers;

/// <summary>Passwords of guests' administrators: chosen by the user, or made here.</summary>
internal static class AdminPasswords
{
    /// <summary>Letters and digits that nobody mistakes for one another.</summary>
    private const string Letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    /// <summary>The <c>adminPass</c> of a body, or a new one where it has none.</summary>
    public static string OfBody(ApiRequest request, BodyField body) => body.Get("adminPass") is { } chosen ? Of(request, chosen) : RandomNumberGenerator.GetString(Letters, 12);

    /// <summary>A password as a user has chosen it.</summary>
    public static string Of(ApiRequest request, BodyField field) =>
        field.IsText && field.Text() is { Length: > 0 and <= ServerAttributes.MaxText } password ? password
        : request.IsLegacy ? throw Fault.BadRequest($"Invalid adminPass: {field.Name}")
        : field.Text(ServerAttributes.MaxText);
}
