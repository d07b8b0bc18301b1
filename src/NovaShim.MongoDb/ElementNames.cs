using System.Text.Json;

namespace NovaShim.MongoDb;

/// <summary>How properties are called in MongoDB: Nova's column names.</summary>
internal static class ElementNames
{
    /// <summary>The key of a document.</summary>
    public const string Key = "_id";

    /// <summary>The revision, which compare-and-set looks at.</summary>
    public const string Revision = "revision";

    /// <summary>The id of the write that made the present state: it lets a writer whose answer was lost recognise its own write.</summary>
    public const string Write = "_write";

    /// <summary>The snake_case of a property's name.</summary>
    public static string Of(string property) => JsonNamingPolicy.SnakeCaseLower.ConvertName(property);

    /// <summary>A path of the catalog, such as <c>Saga.DueAt</c>, in MongoDB's spelling.</summary>
    public static string OfPath(string path) => path == "Key" ? Key : string.Join('.', path.Split('.').Select(Of));
}
