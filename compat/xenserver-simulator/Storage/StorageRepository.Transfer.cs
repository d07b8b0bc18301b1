using System.Buffers;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Storage;

internal sealed partial class StorageRepository
{
    private const int TransferSize = 1 << 20;

    /// <summary>Overwrites an existing detached leaf from a stream.</summary>
    /// <param name="uuid">The leaf.</param>
    /// <param name="body">The image, read to its end.</param>
    /// <param name="length">Bytes of the body where known: progress is measured by it.</param>
    /// <param name="format"><c>raw</c> or <c>vhd</c>.</param>
    /// <param name="progress">0 … 1.</param>
    /// <param name="ct">Leaves what was written so far.</param>
    /// <exception cref="StorageException">24 attached, 144 no such VDI, 79 the image is bigger than the VDI, 46 the stream is not what the format says
    /// or the SR is full.</exception>
    public async Task ImportAsync(string uuid, Stream body, long? length, string format, IProgress<double>? progress, CancellationToken ct)
    {
        await using Disk disk = await AttachAsync(uuid, readOnly: false, ct);
        try
        {
            switch (format)
            {
                case "raw":
                    await ImportRawAsync(disk, body, length, progress, ct);
                    break;
                case "vhd":
                    await ImportVhdAsync(disk, body, progress, ct);
                    break;
                default:
                    throw UnknownFormat(format);
            }

            await disk.FlushAsync(ct);
        }
        catch (Exception e) when (e is IOException)
        {
            throw StorageException.From(StorageError.VdiUnavailable, e);
        }
    }

    /// <summary>Writes a VDI out, flat (<c>raw</c>, <c>vhd</c>) or, as VHD with a base, only what differs from that ancestor.</summary>
    /// <exception cref="StorageException">24 attached for writing, 144 no such VDI, 46 the base is no ancestor or the format is unknown.</exception>
    public async Task ExportAsync(string uuid, Stream to, string format, string? baseUuid, IProgress<double>? progress, CancellationToken ct)
    {
        // A chain that is open stays readable as it is, whatever the garbage collector does to its files meanwhile.
        using Claim claim = new(_locks, uuid, readOnly: true);
        using VhdChain chain = await AloneAsync(
            () => File.Exists(PathOf(uuid)) ? Attempt(StorageError.VdiUnavailable, () => VhdChain.Open(PathOf(uuid))) : throw StorageException.Missing(uuid), ct);
        switch (format)
        {
            case "raw" when baseUuid is null:
                await ExportRawAsync(chain, to, progress, ct);
                break;
            case "vhd":
                VhdStreamWriter writer = baseUuid is null ? VhdStreamWriter.ForDisk(chain) : await ChangesSinceAsync(chain, baseUuid, ct);
                await writer.WriteAsync(to, progress is null ? null : new Share(progress, writer.Length), ct);
                break;
            default:
                throw UnknownFormat(format);
        }
    }

    private static async Task ImportRawAsync(Disk disk, Stream body, long? length, IProgress<double>? progress, CancellationToken ct)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(TransferSize);
        try
        {
            for (long offset = 0; ;)
            {
                int count = await body.ReadAtLeastAsync(buffer.AsMemory(0, TransferSize), TransferSize, throwOnEndOfStream: false, ct);
                if (count == 0)
                {
                    return;
                }

                await StoreAsync(disk, offset, buffer.AsMemory(0, count), ct);
                offset += count;
                progress?.Report(Math.Min(1, (double)offset / (length ?? disk.VirtualSize)));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task ImportVhdAsync(Disk disk, Stream body, IProgress<double>? progress, CancellationToken ct)
    {
        VhdStreamReader reader = await VhdStreamReader.OpenAsync(body, ct);
        if (reader.Footer?.CurrentSize > disk.VirtualSize)
        {
            throw new StorageException(StorageError.VdiSize, $"the image's disk of {reader.Footer.CurrentSize} bytes does not fit into VDI {disk.Uuid} of {disk.VirtualSize}");
        }

        long stored = 0;
        await foreach (VhdChunk chunk in reader.ReadAsync(ct))
        {
            await StoreAsync(disk, chunk.Offset, chunk.Data, ct);
            stored += chunk.Data.Length;
            progress?.Report(Math.Min(1, (double)stored / disk.VirtualSize));
        }
    }

    /// <summary>Writes what is not there already: zeros over nothing would give the disk blocks for nothing.</summary>
    private static async ValueTask StoreAsync(Disk disk, long offset, ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        if (offset + data.Length > disk.VirtualSize)
        {
            throw new StorageException(StorageError.VdiSize, $"the image is bigger than VDI {disk.Uuid} of {disk.VirtualSize} bytes");
        }

        if (!data.Span.ContainsAnyExcept((byte)0))
        {
            byte[] present = ArrayPool<byte>.Shared.Rent(data.Length);
            try
            {
                await disk.ReadAsync(offset, present.AsMemory(0, data.Length), ct);
                if (!present.AsSpan(0, data.Length).ContainsAnyExcept((byte)0))
                {
                    return;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(present);
            }
        }

        await disk.WriteAsync(offset, data, ct);
    }

    private static async Task ExportRawAsync(VhdChain chain, Stream to, IProgress<double>? progress, CancellationToken ct)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(TransferSize);
        try
        {
            for (long offset = 0; offset < chain.VirtualSize;)
            {
                int count = (int)Math.Min(TransferSize, chain.VirtualSize - offset);
                chain.Read(offset, buffer.AsSpan(0, count));
                await to.WriteAsync(buffer.AsMemory(0, count), ct);
                offset += count;
                progress?.Report((double)offset / chain.VirtualSize);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// What the images above the last common ancestor hold. A snapshot is an empty child of the base copy the next leaf stands on too, so the base's own
    /// file need not be in the chain: it is enough that its nearest ancestor with data is.
    /// </summary>
    private async Task<VhdStreamWriter> ChangesSinceAsync(VhdChain chain, string baseUuid, CancellationToken ct)
    {
        using VhdChain since = await AloneAsync(
            () => File.Exists(PathOf(baseUuid)) ? Attempt(StorageError.VdiUnavailable, () => VhdChain.Open(PathOf(baseUuid))) : throw StorageException.Missing(baseUuid), ct);
        foreach (VhdFile file in since.Files)
        {
            int files = chain.Files.TakeWhile(f => f.Uuid != file.Uuid).Count();
            if (files < chain.Files.Count)
            {
                return VhdStreamWriter.ForChanges(chain, files, since.Leaf.Uuid, Path.GetFileName(since.Leaf.Path));
            }

            if (file.Extents().Any())
            {
                break;
            }
        }

        throw new StorageException(StorageError.VdiUnavailable, $"VDI {baseUuid} is no ancestor of {Path.GetFileNameWithoutExtension(chain.Leaf.Path)}");
    }

    private static StorageException UnknownFormat(string format) => new(StorageError.VdiUnavailable, $"a VDI cannot be transferred as {format} here");

    private sealed class Share(IProgress<double> progress, long of) : IProgress<long>
    {
        public void Report(long value) => progress.Report((double)value / of);
    }
}
