using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Guests.Journal;

/// <summary><c>journal --vhd LEAF</c>: verifies the guest's journal and the image's content through the VHD chain, JSON on stdout.</summary>
internal static class JournalCommand
{
    public static Command Create()
    {
        Option<FileInfo> vhd = new("--vhd") { Description = "The leaf; its parents are found through it.", Required = true };
        Command command = new("journal", "Proves that nothing a guest wrote is lost. Exit status 0 only if so.") { vhd };
        command.SetAction(async (parsed, ct) =>
        {
            JournalReport report = await VerifyAsync(parsed.GetRequiredValue(vhd).FullName, ct);
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(report, JournalReportJson.Default.JournalReport));
            return report.Whole ? 0 : 1;
        });
        return command;
    }

    /// <summary>Never throws for what is wrong with the disk: the report says it.</summary>
    public static async Task<JournalReport> VerifyAsync(string leaf, CancellationToken ct)
    {
        try
        {
            using VhdChain chain = VhdChain.Open(leaf);
            byte[] block = new byte[Superblock.Size];
            chain.Read(0, block);
            Superblock superblock = Superblock.Parse(block, chain.VirtualSize) ?? throw new JournalException("the disk has no journal");
            JournalExtent extent = await JournalReader.ReadAsync(Read, superblock, ct);
            await JournalReader.CheckContentAsync(Read, superblock, ct);
            return new JournalReport(extent.Records, extent.First, extent.Last, extent.Boots, extent.Closed, true, null);

            ValueTask Read(long offset, Memory<byte> into, CancellationToken token)
            {
                token.ThrowIfCancellationRequested();
                chain.Read(offset, into.Span);
                return ValueTask.CompletedTask;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JournalException)
        {
            return new JournalReport(0, 0, 0, 0, false, false, e.Message);
        }
    }
}

/// <summary>What is printed.</summary>
/// <param name="Records">Records in the ring.</param>
/// <param name="First">The oldest one's number.</param>
/// <param name="Last">The newest one's number.</param>
/// <param name="Boots">How often the guest was booted.</param>
/// <param name="Closed">Whether it was shut down cleanly last.</param>
/// <param name="Whole">Every record good, numbers contiguous, content as the image was made with.</param>
/// <param name="Error">What is not.</param>
internal sealed record JournalReport(long Records, long First, long Last, int Boots, bool Closed, bool Whole, string? Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JournalReport))]
internal sealed partial class JournalReportJson : JsonSerializerContext;
