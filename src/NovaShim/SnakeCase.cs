using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace NovaShim;

/// <summary>Fills an options record from settings written in snake_case, and refuses a setting that it does not have: a misspelt one must not be lost silently.</summary>
internal static class SnakeCase
{
    /// <summary>Sets the properties that the section names. Throws <see cref="InvalidOperationException"/> with the setting's name when one is unknown or has no value of its type.</summary>
    public static T Bind<T>(IConfigurationSection section, T options) where T : class
    {
        var properties = typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.CanWrite)
            .ToDictionary(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name), StringComparer.OrdinalIgnoreCase);
        foreach (var setting in section.GetChildren())
        {
            if (!properties.TryGetValue(setting.Key, out var property))
            {
                throw new InvalidOperationException($"{setting.Path}: there is no such setting; known are {string.Join(", ", properties.Keys.Order(StringComparer.Ordinal))}.");
            }

            try
            {
                property.SetValue(options, TypeDescriptor.GetConverter(property.PropertyType).ConvertFromString(null, CultureInfo.InvariantCulture, setting.Value ?? ""));
            }
            catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException)
            {
                throw new InvalidOperationException($"{setting.Path}: '{setting.Value}' is no {property.PropertyType.Name.ToLowerInvariant()}.", e);
            }
        }

        return options;
    }
}
