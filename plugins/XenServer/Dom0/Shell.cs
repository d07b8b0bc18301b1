namespace NovaShim.XenServer.Dom0;

/// <summary>The one place where text becomes part of a shell's command line.</summary>
internal static class Shell
{
    /// <summary>The text as one word of a POSIX shell, whatever it holds.</summary>
    /// <exception cref="ArgumentException">It holds a NUL, which no argument can.</exception>
    public static string Quote(string text) =>
        text.Contains('\0', StringComparison.Ordinal)
            ? throw new ArgumentException("A shell's argument cannot hold a NUL character.", nameof(text))
            : "'" + text.Replace("'", @"'\''", StringComparison.Ordinal) + "'";

    /// <summary>
    /// A command line that runs a script of ours with arguments of anybody's: the script finds them as <c>$1</c>, <c>$2</c> … and is never built from
    /// them. Messages are in English, files it makes are the owner's alone.
    /// </summary>
    public static string Script(string script, params IEnumerable<string> arguments) =>
        string.Join(' ', ["env", "LC_ALL=C", "sh", "-c", Quote("umask 077\n" + script.ReplaceLineEndings("\n")), "novashim", .. arguments.Select(Quote)]);
}
