using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using NovaShim.Vhd;
using NovaShim.XenServerSimulator.Guests.Journal;

namespace NovaShim.XenServerSimulator.Guests.Agent;

/// <summary><c>files --vhd LEAF</c>: what a guest's agent has put on its disk, read through the VHD chain, JSON on stdout.</summary>
internal static class FilesCommand
{
    public static Command Create()
    {
        Option<FileInfo> vhd = new("--vhd") { Description = "The leaf; its parents are found through it.", Required = true };
        Command command = new("files", "Lists the files that a guest's agent was given, contents in base64; the root password's hash is in /etc/shadow.") { vhd };
        command.SetAction(async (parsed, ct) =>
        {
            try
            {
                IReadOnlyList<ListedFile> files = await ReadAsync(parsed.GetRequiredValue(vhd).FullName, ct);
                await Console.Out.WriteLineAsync(JsonSerializer.Serialize(files, ListedFilesJson.Default.IReadOnlyListListedFile));
                return 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JournalException)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return 1;
            }
        });
        return command;
    }

    /// <summary>The files on a disk.</summary>
    /// <exception cref="JournalException">It has no superblock, or is damaged.</exception>
    public static async Task<IReadOnlyList<ListedFile>> ReadAsync(string leaf, CancellationToken ct)
    {
        using VhdChain chain = VhdChain.Open(leaf);
        byte[] block = new byte[Superblock.Size];
        chain.Read(0, block);
        Superblock superblock = Superblock.Parse(block, chain.VirtualSize) ?? throw new JournalException("the disk has no journal");
        GuestFiles files = await GuestFiles.ReadAsync(Read, (_, _, _) => throw new NotSupportedException(), superblock, ct);
        return [.. files.All.Select(f => new ListedFile(f.Path, Convert.ToBase64String(f.Content.Span)))];

        ValueTask Read(long offset, Memory<byte> into, CancellationToken token)
        {
            chain.Read(offset, into.Span);
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>What is printed of a file.</summary>
/// <param name="Path">Where it is in the guest.</param>
/// <param name="Content">In base64.</param>
internal sealed record ListedFile(string Path, string Content);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<ListedFile>))]
internal sealed partial class ListedFilesJson : JsonSerializerContext;
