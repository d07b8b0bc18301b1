using System.Buffers;
using System.CommandLine;
using System.Security.Cryptography;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Guests.Journal;

/// <summary><c>image --size BYTES --content BYTES --out FILE</c>: makes a disk that a guest boots from, with content that makes its copy worth measuring.</summary>
internal static class ImageCommand
{
    private const int Portion = 1 << 20;

    public static Command Create()
    {
        Option<long> size = new("--size") { Description = "Bytes of the disk, rounded up to 2 MiB.", Required = true };
        Option<long> content = new("--content") { Description = "Bytes of content that does not compress.", Required = true };
        Option<long?> journal = new("--journal") { Description = "Bytes of the guest's journal; by default what is left, 64 MiB at most." };
        Option<ulong> seed = new("--seed") { Description = "Other numbers make other content.", DefaultValueFactory = _ => 1 };
        Option<FileInfo> output = new("--out") { Description = "The VHD to make.", Required = true };
        Command command = new("image", "Makes a bootable image: a dynamic VHD with a journal area and content.") { size, content, journal, seed, output };
        command.SetAction(async (parsed, ct) =>
        {
            try
            {
                await MakeAsync(
                    parsed.GetRequiredValue(output).FullName,
                    parsed.GetRequiredValue(size),
                    parsed.GetRequiredValue(content),
                    parsed.GetValue(journal),
                    parsed.GetValue(seed),
                    ct);
                return 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return 1;
            }
        });
        return command;
    }

    /// <summary>Makes the image beside its place and renames it there when it is whole.</summary>
    /// <exception cref="ArgumentException">The sizes do not go together.</exception>
    public static async Task MakeAsync(string path, long size, long content, long? journal, ulong seed, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(content);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        size = (size + (2 << 20) - 1) / (2 << 20) * (2 << 20);
        Superblock plan = Superblock.Lay(size, journal, content, new byte[SHA256.HashSizeInBytes]);
        string part = path + ".part";
        try
        {
            await Task.Run(() => Write(part, size, plan, seed, ct), ct);
            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static void Write(string path, long size, Superblock plan, ulong seed, CancellationToken ct)
    {
        using VhdFile file = VhdFile.CreateDynamic(path, size, new VhdCreateOptions { Overwrite = true });
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Portion);
        try
        {
            for (long done = 0; done < plan.ContentLength;)
            {
                ct.ThrowIfCancellationRequested();
                int length = (int)Math.Min(Portion, plan.ContentLength - done);
                Noise.Fill(buffer.AsSpan(0, length), unchecked((seed << 32) + (ulong)(done / Portion)));
                hash.AppendData(buffer, 0, length);

                // The disk has whole sectors: the last one is filled up.
                int whole = (length + 511) / 512 * 512;
                buffer.AsSpan(length, whole - length).Clear();
                file.Write(plan.ContentOffset + done, buffer.AsSpan(0, whole));
                done += length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        file.Write(0, (plan with { ContentHash = hash.GetHashAndReset() }).ToBytes());
        file.Flush();
    }
}
