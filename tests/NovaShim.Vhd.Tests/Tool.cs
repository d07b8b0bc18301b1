using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;

namespace NovaShim.Vhd.Tests;

/// <summary>A program of others that reads or writes VHDs. One that is not installed fails the test.</summary>
internal static class Tool
{
    private static readonly TimeSpan _deadline = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program to a good end and gives what it printed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (exit, output, errors) = Try(program, arguments);
        Assert.True(exit == 0, $"{program} {string.Join(' ', arguments)}: exit {exit}\n{System.Text.Encoding.UTF8.GetString(output)}\n{errors}");
        return System.Text.Encoding.UTF8.GetString(output);
    }

    /// <summary>Runs a program that prints a disk's bytes, and gives their SHA-256.</summary>
    public static string HashOfOutput(string program, params string[] arguments)
    {
        var (exit, output, errors) = Try(program, arguments);
        Assert.True(exit == 0, $"{program} {string.Join(' ', arguments)}: exit {exit}\n{errors}");
        return Hash(output);
    }

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public static (int Exit, byte[] Output, string Errors) Try(string program, params string[] arguments)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException($"{program} is needed for this test and is not installed", missing);
        }

        using (process)
        {
            using var output = new MemoryStream();
            var reading = process.StandardOutput.BaseStream.CopyToAsync(output);
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(_deadline))
            {
                process.Kill();
                Assert.Fail($"{program} did not end within {_deadline}");
            }

            Task.WaitAll(reading, errors);
            return (process.ExitCode, output.ToArray(), errors.Result);
        }
    }
}
