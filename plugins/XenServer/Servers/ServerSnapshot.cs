using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.Vhd;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>
/// Makes an image of a server's root disk, as it is at one moment. In order:
/// <code>
///  [1] mark      the disk with the image's id. Its snapshot inherits the mark: there is no moment at which one exists that nobody finds again
///  [2] snapshot  of the disk alone; the guest goes on
///  [3] export    the snapshot, as one VHD without a parent. As long as it is there, nothing that it stands on is merged into the disk that the guest writes to;
///                what is merged below it is the same content in fewer files
///  [4] destroy   it, and what an earlier attempt has left
/// </code>
/// What leaves the host is whole in itself: any host that can read the image store can build a server from it.
/// </summary>
internal sealed partial class ServerSnapshot(XenServerHost host, ServerVms vms, InstanceStepContext step, ImageTarget image)
{
    private const string Format = "vhd";

    private readonly Session _session = host.Session;
    private readonly ILogger _log = host.Logs.CreateLogger<ServerSnapshot>();

    /// <summary>Nova's <c>snapshot</c>.</summary>
    public async Task<SnapshotInfo> TakeAsync(CancellationToken cancellation)
    {
        var vm = await vms.GetAsync(step.Instance.Uuid, cancellation);
        var root = (await vms.DisksAsync(vm.Record, cancellation)).FirstOrDefault(d => d.Place.userdevice == VmRecords.RootPlace)
            ?? throw new StepFailedException($"The VM {vm.Record.name_label} on {host.Name} has no root disk.", StepRecovery.Unwind);
        try
        {
            await DestroyAsync(disk => disk.other_config[Marks.Image] != image.Id, cancellation);
            var info = await ExportAsync(await SnapshotAsync(root, cancellation), cancellation);
            LogTaken(step.Instance.Name, image.Id, info.VirtualSize);
            return info;
        }
        finally
        {
            // Whoever took the step over needs it; in any other case the next attempt makes another.
            if (!cancellation.IsCancellationRequested)
            {
                await DestroyAsync(_ => true, cancellation);
                await VDI.remove_from_other_config(_session, root.Reference, Marks.Image, cancellation);
            }
        }
    }

    private async Task<IReadOnlyList<KeyValuePair<string, VDI>>> SnapshotsAsync(CancellationToken cancellation) =>
        [.. (await VDI.get_all_records(_session, cancellation))
            .Where(d => d.Value is { managed: true, is_a_snapshot: true } && d.Value.other_config.ContainsKey(Marks.Image) && d.Value.other_config.GetValueOrDefault(Marks.Instance) == step.Instance.Uuid)
            .OrderBy(d => d.Value.uuid, StringComparer.Ordinal)];

    // [1] [2]
    private async Task<string> SnapshotAsync(AttachedDisk root, CancellationToken cancellation)
    {
        var made = await SnapshotsAsync(cancellation);
        if (made.Count == 0)
        {
            if (root.Record.other_config.GetValueOrDefault(Marks.Image) != image.Id)
            {
                await VDI.remove_from_other_config(_session, root.Reference, Marks.Image, cancellation);
                await VDI.add_to_other_config(_session, root.Reference, Marks.Image, image.Id, cancellation);
            }

            cancellation.ThrowIfCancellationRequested();
            await VDI.snapshot(_session, root.Reference, cancellation);
            made = await SnapshotsAsync(cancellation);
        }

        return made[0].Key;
    }

    // [3]
    private async Task<SnapshotInfo> ExportAsync(string snapshot, CancellationToken cancellation)
    {
        var task = await XenTask.create(_session, "novashim image export", image.Id, cancellation);
        using var ends = new StreamEnds(VhdLayout.FooterSize);
        try
        {
            await using var to = await image.OpenWrite(cancellation);
            ends.To = to;
            await _session.GetAsync(
                $"/export_raw_vdi?vdi={Uri.EscapeDataString(snapshot)}&format={Format}&task_id={Uri.EscapeDataString(task)}",
                ends, host.Settings.TransferTimeout, host.Settings.TransferIdleTimeout, cancellation);
        }
        catch
        {
            await XenTask.AbandonAsync(_session, task);
            throw;
        }

        await XenTask.WaitAsync(_session, task, "export_raw_vdi", host.Settings.TaskTimeout, progress: null, cancellation);

        // An answer that broke off can look like one that has ended: a VHD ends as it began.
        return VhdFooter.TryParse(ends.First, out _) is { } footer && ends.First.SequenceEqual(ends.Last)
            ? new SnapshotInfo(Format, footer.CurrentSize)
            : throw new StepFailedException($"The export of the disk of {step.Instance.Name} from {host.Name} broke off after {ends.Length} bytes.");
    }

    // [4]
    private async Task DestroyAsync(Func<VDI, bool> which, CancellationToken cancellation)
    {
        foreach (var (reference, _) in (await SnapshotsAsync(cancellation)).Where(s => which(s.Value)))
        {
            await vms.DestroyDiskAsync(reference, cancellation);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Server}: image {Image} is made, a disk of {Bytes} bytes")]
    private partial void LogTaken(string server, string image, long bytes);
}
