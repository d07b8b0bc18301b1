using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace NovaShim.Api.Images.External;

/// <summary>How the external Glance is found and asked: section <c>images</c> of the configuration, where its <c>mode</c> is <c>glance</c>.</summary>
internal sealed record GlanceOptions
{
    private static readonly string[] Known = ["mode", "path", "max_bytes", "region", "interface", "timeout_seconds", "cache_hours"];

    /// <summary>The catalog's region; null: the first there is.</summary>
    public string? Region { get; init; }

    /// <summary>Which of the catalog's addresses: <c>public</c>, <c>internal</c> or <c>admin</c>.</summary>
    public string Interface { get; init; } = "public";

    /// <summary>For how long an answer is waited for, or the next bytes of an image, in seconds.</summary>
    public double TimeoutSeconds { get; init; } = 60;

    /// <summary>For how long a copy is kept that no server is built from, in hours.</summary>
    public double CacheHours { get; init; } = 24;

    /// <summary>Reads them; null where images are the program's own. Throws <see cref="InvalidOperationException"/> with the setting's name when one is missing, wrong or unknown.</summary>
    public static GlanceOptions? Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("images");
        switch (section["mode"] ?? "builtin")
        {
            case "builtin":
                return null;
            case "glance":
                break;
            case var unknown:
                throw new InvalidOperationException($"images:mode: '{unknown}' is none of builtin, glance.");
        }

        if (section.GetChildren().FirstOrDefault(s => !Known.Contains(s.Key, StringComparer.OrdinalIgnoreCase)) is { } wrong)
        {
            throw new InvalidOperationException($"{wrong.Path}: there is no such setting where images:mode is glance; known are {string.Join(", ", Known)}.");
        }

        if (configuration["identity:mode"] != "keystone" || configuration["identity:keystone:username"] is not { Length: > 0 })
        {
            throw new InvalidOperationException("images:mode: glance needs identity:mode keystone, whose catalog names the Glance, and identity:keystone:username, a service user who may read and write every image.");
        }

        var otherwise = new GlanceOptions();
        return otherwise with
        {
            Region = section["region"],
            Interface = section["interface"] switch
            {
                null => otherwise.Interface,
                "public" or "internal" or "admin" => section["interface"]!,
                var unknown => throw new InvalidOperationException($"images:interface: '{unknown}' is none of public, internal, admin."),
            },
            TimeoutSeconds = Number(section, "timeout_seconds", otherwise.TimeoutSeconds, 3600),
            CacheHours = Number(section, "cache_hours", otherwise.CacheHours, 24 * 365),
        };
    }

    private static double Number(IConfigurationSection section, string name, double otherwise, double most) => section[name] is not { } text ? otherwise
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= 0.1 && number <= most ? number
        : throw new InvalidOperationException($"{section.Path}:{name}: '{text}' is no number from 0.1 to {most.ToString(CultureInfo.InvariantCulture)}.");
}
