using Microsoft.Extensions.Configuration;

namespace NovaShim.Api.Identity.Keystone;

/// <summary>Where the external Keystone is and how it is asked: section <c>identity:keystone</c> of the configuration.</summary>
internal sealed record KeystoneOptions
{
    /// <summary>Its version 3: <c>http://keystone.example:5000/v3</c>.</summary>
    public required Uri Url { get; init; }

    /// <summary>The service user who asks about others' tokens; null where every token is used to ask about itself.</summary>
    public string? UserName { get; init; }

    /// <summary>The service user's password.</summary>
    public string Password { get; init; } = "";

    /// <summary>The service user's project.</summary>
    public string Project { get; init; } = "service";

    /// <summary>The domain of the service user, and of whoever logs in by v1.1's headers.</summary>
    public string UserDomain { get; init; } = "Default";

    /// <summary>The domain of their projects.</summary>
    public string ProjectDomain { get; init; } = "Default";

    /// <summary>For how long an answer is believed, in seconds: what a revoked token may still do.</summary>
    public double CacheSeconds { get; init; } = 10;

    /// <summary>For how long an answer is waited for, in seconds.</summary>
    public double TimeoutSeconds { get; init; } = 10;

    /// <summary>The roles that make an administrator.</summary>
    public IReadOnlyList<string> AdminRoles { get; init; } = ["admin"];

    /// <summary>Reads them. Throws <see cref="InvalidOperationException"/> with the setting's name when one is missing, wrong or unknown.</summary>
    public static KeystoneOptions Read(IConfiguration configuration)
    {
        string[] known = ["url", "username", "password", "project", "user_domain", "project_domain", "cache_seconds", "timeout_seconds", "admin_roles"];
        var section = configuration.GetSection("identity:keystone");
        if (section.GetChildren().FirstOrDefault(s => !known.Contains(s.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new InvalidOperationException($"{unknown.Path}: there is no such setting; known are {string.Join(", ", known)}.");
        }

        if (!Uri.TryCreate(section["url"]?.TrimEnd('/'), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new InvalidOperationException("identity:keystone:url: the address of Keystone's version 3 is expected, such as http://keystone.example:5000/v3.");
        }

        var otherwise = new KeystoneOptions { Url = url };
        var roles = section.GetSection("admin_roles").Get<string[]>() ?? section["admin_roles"]?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return otherwise with
        {
            UserName = section["username"] is { Length: > 0 } user ? user : null,
            Password = section["password"] ?? otherwise.Password,
            Project = section["project"] ?? otherwise.Project,
            UserDomain = section["user_domain"] ?? otherwise.UserDomain,
            ProjectDomain = section["project_domain"] ?? otherwise.ProjectDomain,
            CacheSeconds = Seconds(section, "cache_seconds", otherwise.CacheSeconds, least: 0),
            TimeoutSeconds = Seconds(section, "timeout_seconds", otherwise.TimeoutSeconds, least: 0.1),
            AdminRoles = roles ?? otherwise.AdminRoles,
        };
    }

    private static double Seconds(IConfigurationSection section, string name, double otherwise, double least) => section[name] is not { } text ? otherwise
        : double.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds >= least && seconds <= 3600 ? seconds
        : throw new InvalidOperationException($"{section.Path}:{name}: '{text}' is no number of seconds from {least} to 3600.");
}
