using System.Diagnostics;
using NovaShim.XenServer.Dom0;

namespace NovaShim.XenServer.Tests;

/// <summary>What is quoted reaches a program exactly as it was, past a real shell.</summary>
public sealed class ShellTests
{
    public static TheoryData<string> Hostile { get; } =
    [
        "", " ", "plain", "it's", "''", "'; touch /tmp/pwned; '", "$(id)", "`id`", "\"", "\\", "\\'", "a\nb", "a\r\nb\n", "\t", "*", "~", "-rf", "--", "$HOME", "${IFS}", "!", "&&", "| cat",
        "> /dev/null", "é漢\U0001F600", "#", "%s %n", "\u001b[31m", "a'b\"c`d$e\\f\ng",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_quoted_word_is_one_word(string text) => Assert.Equal($"1:{text}:", await RunAsync($"printf '%s:' {Shell.Quote(text)} | {{ printf 1:; cat; }}"));

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_scripts_argument_is_data(string text) =>
        Assert.Equal($"2 {text}|last|077", await RunAsync(Shell.Script("printf '%s %s|%s|' $# \"$1\" \"$2\"; umask | tail -c 4 | tr -d '\\n'", text, "last")));

    [Fact]
    public void A_NUL_is_refused() => Assert.Throws<ArgumentException>(() => Shell.Quote("a\0b"));

    private static async Task<string> RunAsync(string commandLine)
    {
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", commandLine]) { RedirectStandardOutput = true })!;
        var output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        Assert.Equal(0, shell.ExitCode);
        return output;
    }
}
