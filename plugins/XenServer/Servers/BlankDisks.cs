using System.Buffers.Binary;
using NovaShim.Sdk;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>
/// The disks of a server that a flavor asks for beside the root: swap, with Linux's signature on it so that the guest need only turn it on, and ephemeral ones, which are blank. They stand where Nova's XenAPI
/// driver puts them: swap at 2, ephemeral disks from 4 on, each of 2,000 GiB at most.
/// </summary>
internal sealed class BlankDisks(XenServerHost host, ServerVms vms, Instance instance)
{
    private const long MiB = 1 << 20;
    private const long GiB = 1 << 30;
    private const int LargestGib = 2000;
    private const string SwapPlace = "2";
    private const int FirstEphemeralPlace = 4;

    private readonly Session _session = host.Session;

    /// <summary>
    /// Sees to it that a halted VM has the disks of a flavor: makes what is missing, grows what is too small. What is larger, or not asked for, stays: it may hold data.
    /// </summary>
    /// <param name="vm">The VM.</param>
    /// <param name="flavor">What asks for them.</param>
    /// <param name="marks">What each made disk carries, beside its place: an earlier run's disk is known by them.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task EnsureAsync(Found vm, Flavor flavor, IReadOnlyCollection<KeyValuePair<string, string>> marks, CancellationToken cancellation)
    {
        var present = (await vms.DisksAsync(await VM.get_record(_session, vm.Reference, cancellation), cancellation)).ToDictionary(d => d.Place.userdevice);
        foreach (var (place, bytes) in Wanted(flavor))
        {
            if (present.TryGetValue(place, out var disk))
            {
                if (disk.Record.virtual_size < bytes)
                {
                    await VDI.resize(_session, disk.Reference, bytes, cancellation);
                }

                continue;
            }

            var reference = await MakeAsync(place, bytes, marks, cancellation);
            cancellation.ThrowIfCancellationRequested();
            await VBD.create(_session, VmRecords.Vbd(vm.Reference, reference, place, bootable: false), cancellation);
        }
    }

    /// <summary>The places and sizes, in bytes.</summary>
    internal static IEnumerable<(string Place, long Bytes)> Wanted(Flavor flavor)
    {
        if (flavor.Swap > 0)
        {
            yield return (SwapPlace, flavor.Swap * MiB);
        }

        var place = FirstEphemeralPlace;
        for (var left = flavor.EphemeralGb; left > 0; left -= LargestGib)
        {
            yield return ($"{place++}", Math.Min(left, LargestGib) * GiB);
        }
    }

    /// <summary>The first page of a swap area as Linux's mkswap writes it: version 1, pages of 4 KiB.</summary>
    /// <param name="bytes">Bytes of the disk.</param>
    /// <param name="uuid">The area's own id.</param>
    internal static byte[] SwapHeader(long bytes, Guid uuid)
    {
        const int PageSize = 4096, VersionOffset = 1024, LastPageOffset = 1028, UuidOffset = 1036;
        var signature = "SWAPSPACE2"u8;
        var page = new byte[PageSize];
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(VersionOffset), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(LastPageOffset), (uint)Math.Min(uint.MaxValue, (bytes / PageSize) - 1));
        uuid.TryWriteBytes(page.AsSpan(UuidOffset), bigEndian: true, out _);
        signature.CopyTo(page.AsSpan(PageSize - signature.Length));
        return page;
    }

    private async Task<string> MakeAsync(string place, long bytes, IReadOnlyCollection<KeyValuePair<string, string>> marks, CancellationToken cancellation)
    {
        KeyValuePair<string, string>[] own = [.. marks, KeyValuePair.Create(Marks.Place, place)];
        var sr = await host.SrAsync(cancellation);
        var made = (await VDI.get_all_records(_session, cancellation)).FirstOrDefault(d =>
            d.Value is { managed: true, is_a_snapshot: false } && d.Value.SR == sr && own.All(m => d.Value.other_config.GetValueOrDefault(m.Key) == m.Value)).Key;
        made ??= await VDI.create(_session, VmRecords.Vdi(VmRecords.DiskName(instance, place), sr, bytes, "user", own), cancellation);
        if (place == SwapPlace)
        {
            // Nobody has used it: it has never been in a VM.
            var header = SwapHeader(bytes, Guid.NewGuid());
            await new ImageDisks(host, vms, instance).FillAsync(made, _ => Task.FromResult<Stream>(new MemoryStream(header)), header.Length, "raw", "swap", cancellation);
        }

        return made;
    }
}
