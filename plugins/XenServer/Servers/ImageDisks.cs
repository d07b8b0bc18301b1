using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.Vhd;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>Disks of one server that are made of images. One whose import was cut off is found by its marks and made anew.</summary>
internal sealed partial class ImageDisks(XenServerHost host, ServerVms vms, Instance instance)
{
    private const long GiB = 1 << 30;
    private const long DiskUnit = 2 << 20;

    private readonly Session _session = host.Session;
    private readonly ILogger _log = host.Logs.CreateLogger<ImageDisks>();

    /// <summary>
    /// The disk that carries all of the marks and holds the whole image: an earlier run's, or a new one.
    /// </summary>
    /// <param name="image">What it is to hold.</param>
    /// <param name="name">Its name, for people.</param>
    /// <param name="gib">How large it is to be; 0 = as large as the image.</param>
    /// <param name="marks">What it is; no other disk carries the first of them but such as may stand for it.</param>
    /// <param name="suits">Whether a disk with these marks may be taken for it.</param>
    /// <param name="cancellation">Ends the import.</param>
    public async Task<string> EnsureAsync(
        Image image, string name, int gib, IReadOnlyCollection<KeyValuePair<string, string>> marks, Func<VDI, bool> suits, CancellationToken cancellation)
    {
        var sr = await host.SrAsync(cancellation);
        foreach (var (reference, disk) in await VDI.get_all_records(_session, cancellation))
        {
            if (disk is not { managed: true, is_a_snapshot: false } || disk.SR != sr || !marks.All(m => disk.other_config.GetValueOrDefault(m.Key) == m.Value) || !suits(disk))
            {
                continue;
            }

            if (!disk.other_config.ContainsKey(Marks.Importing))
            {
                return reference;
            }

            // Half an image: there is no telling which half.
            LogHalfImage(instance.Name, disk.uuid);
            await vms.DestroyDiskAsync(reference, cancellation);
        }

        var size = await SizeAsync(image, gib, cancellation);
        cancellation.ThrowIfCancellationRequested();
        var vdi = await VDI.create(_session, VmRecords.Vdi(name, sr, size, "system", [.. marks, KeyValuePair.Create(Marks.Importing, image.Id)]), cancellation);
        await FillAsync(vdi, image.OpenRead, image.Size, image.DiskFormat, image.Id, cancellation);
        await VDI.remove_from_other_config(_session, vdi, Marks.Importing, cancellation);
        return vdi;
    }

    /// <summary>Writes bytes to a disk from its start.</summary>
    public async Task FillAsync(string vdi, Func<CancellationToken, Task<Stream>> open, long length, string format, string what, CancellationToken cancellation)
    {
        var task = await XenTask.create(_session, "novashim image import", what, cancellation);
        try
        {
            await _session.PutAsync(
                $"/import_raw_vdi?vdi={Uri.EscapeDataString(vdi)}&format={format}&task_id={Uri.EscapeDataString(task)}", open, length, host.Settings.TransferTimeout, cancellation);
        }
        catch
        {
            // The disk stays attached for as long as XenServer waits for the rest.
            await XenTask.AbandonAsync(_session, task);
            throw;
        }

        await XenTask.WaitAsync(_session, task, "import_raw_vdi", host.Settings.TaskTimeout, progress: null, cancellation);
    }

    // As large as is asked for, and never smaller than the image.
    private async Task<long> SizeAsync(Image image, int gib, CancellationToken cancellation)
    {
        var size = image.DiskFormat switch
        {
            "raw" => image.Size,
            "vhd" => await VhdSizeAsync(image, cancellation),
            _ => throw new StepFailedException($"Image {image.Id} is of format {image.DiskFormat}; XenServer takes vhd and raw.", StepRecovery.Unwind),
        };
        if (gib > 0 && size > gib * GiB)
        {
            throw new StepFailedException(
                string.Create(CultureInfo.InvariantCulture, $"Image {image.Id} holds a disk of {size} bytes; flavor {instance.Flavor.Name} has room for {gib} GiB."), StepRecovery.Unwind);
        }

        size = Math.Max(size, gib * GiB);
        return (size + DiskUnit - 1) / DiskUnit * DiskUnit;
    }

    private static async Task<long> VhdSizeAsync(Image image, CancellationToken cancellation)
    {
        var head = new byte[VhdLayout.FooterSize];
        await using var stream = await image.OpenRead(cancellation);
        if (await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation) == head.Length)
        {
            if (VhdFooter.TryParse(head, out _) is { } footer)
            {
                return footer.Type != VhdType.Differencing
                    ? footer.CurrentSize
                    : throw new StepFailedException($"Image {image.Id} is a differencing VHD: it needs a parent that it came without.", StepRecovery.Unwind);
            }

            // A fixed image has its footer at its end only, after nothing but the disk.
            if (image.Size > head.Length && image.Size % VhdLayout.Sector == 0 && BinaryPrimitives.ReadUInt64BigEndian(head) != 0x636F6E6563746978)
            {
                return image.Size - head.Length;
            }
        }

        throw new StepFailedException($"Image {image.Id} is said to be a VHD, but is none.", StepRecovery.Unwind);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Server}: the import of its image into disk {Disk} was cut off; it is made anew")]
    private partial void LogHalfImage(string server, string disk);
}
