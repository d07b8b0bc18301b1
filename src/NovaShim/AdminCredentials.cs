using System.Security.Cryptography;
using System.Text.Json;

namespace NovaShim;

/// <summary>
/// The administrator the program makes where the configuration names no user, and the file by which the command line finds a running program: <c>admin.json</c> in the data folder, readable by
/// its owner only.
/// </summary>
/// <param name="IdentityUrl">Where to log in; null until the API has listened once.</param>
/// <param name="Username">The name.</param>
/// <param name="Password">The password; null when the user is one of the configuration's.</param>
/// <param name="Project">The tenant.</param>
internal sealed record AdminCredentials(string? IdentityUrl, string Username, string? Password, string Project)
{
    private const string FileName = "admin.json";

    /// <summary>The data folder's administrator, made now if there was none.</summary>
    public static AdminCredentials ReadOrCreate(string data)
    {
        if (Read(data) is { Password: not null } known)
        {
            return known;
        }

        var made = new AdminCredentials(null, "admin", RandomNumberGenerator.GetHexString(24, lowercase: true), "admin");
        made.Write(data);
        return made;
    }

    /// <summary>The data folder's administrator; null when there is none. Throws <see cref="InvalidDataException"/> with the file's name when it is broken.</summary>
    public static AdminCredentials? Read(string data)
    {
        var file = Path.Combine(data, FileName);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), ReadyJson.Default.AdminCredentials) : null;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{file} cannot be understood: mend it, or remove it to have a new one made.", e);
        }
    }

    /// <summary>Writes the file, and beside it <c>admin-openrc</c> for a shell that runs clients.</summary>
    public void Write(string data)
    {
        PrivateFiles.CreateFolder(data);
        PrivateFiles.Write(Path.Combine(data, FileName), JsonSerializer.Serialize(this, ReadyJson.Default.AdminCredentials));
        if (IdentityUrl is not null && Password is not null)
        {
            PrivateFiles.Write(
                Path.Combine(data, "admin-openrc"),
                $"""
                 export OS_AUTH_URL={IdentityUrl} OS_USERNAME={Username} OS_PASSWORD={Password} OS_PROJECT_NAME={Project}
                 export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_IDENTITY_API_VERSION=3

                 """);
        }
    }
}
