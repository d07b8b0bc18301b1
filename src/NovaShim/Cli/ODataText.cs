namespace NovaShim.Cli;

/// <summary>Texts within an OData query.</summary>
internal static class ODataText
{
    /// <summary>A literal for a <c>$filter</c> within an address.</summary>
    public static string Quoted(string text) => Uri.EscapeDataString($"'{text.Replace("'", "''", StringComparison.Ordinal)}'");
}
