using System.Text.Json.Nodes;
using Spectre.Console;

namespace NovaShim.Cli;

/// <summary>Shows rows to people, or as JSON to programs.</summary>
internal static class Tables
{
    /// <summary>Prints the named fields of the rows.</summary>
    public static void Print(JsonArray rows, bool json, params (string Title, Func<JsonNode, string> Value)[] columns)
    {
        if (json)
        {
            Console.WriteLine(rows.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true }));
            return;
        }

        var table = new Table().Border(TableBorder.Ascii);
        foreach (var (title, _) in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(title)) { NoWrap = false });
        }

        foreach (var row in rows)
        {
            table.AddRow([.. columns.Select(c => new Text(c.Value(row!)))]);
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 240;
        }

        AnsiConsole.Write(table);
    }

    /// <summary>A field as text; a path with slashes goes into objects; nothing for what is not there.</summary>
    public static string Field(this JsonNode row, string path)
    {
        JsonNode? node = row;
        foreach (var name in path.Split('/'))
        {
            node = (node as JsonObject)?[name];
        }

        return node?.ToString() ?? "";
    }
}
