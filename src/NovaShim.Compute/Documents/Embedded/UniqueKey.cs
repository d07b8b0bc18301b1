using System.Reflection;
using System.Text.Json;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>A unique index of a collection: a column that holds the indexed values of a document as one text, which SQLite keeps unique.</summary>
internal sealed class UniqueKey<T>
    where T : Document
{
    private readonly IReadOnlyList<IReadOnlyList<PropertyInfo>> paths;

    public UniqueKey(DocumentIndex index)
    {
        Index = index.Name;
        paths = index.Properties.Select(path => Resolve(path)).ToArray();
    }

    /// <summary>The index's name in the catalog, which is also the column's and the SQLite index's.</summary>
    public string Index { get; }

    /// <summary>The values as a JSON array; null, which is never a duplicate, when the first of them is null.</summary>
    public string? Of(T document)
    {
        var values = paths.Select(path => path.Aggregate((object?)document, (value, property) => value is null ? null : property.GetValue(value))).ToArray();
        return values[0] is null ? null : JsonSerializer.Serialize(values);
    }

    private static PropertyInfo[] Resolve(string path)
    {
        var type = typeof(T);
        return path.Split('.').Select(name =>
        {
            var property = type.GetProperty(name) ?? throw new InvalidOperationException($"The index path {path} of {typeof(T).Name} names no property.");
            type = property.PropertyType;
            return property;
        }).ToArray();
    }
}
