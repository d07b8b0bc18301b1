using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Dom0.Xenstored;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Guests.Agent;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Records;
using NovaShim.XenServerSimulator.XenApi.Repositories;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>The VMs that live, and what turns a VM object into one and back.</summary>
internal sealed partial class Domains(
    Database database, StorageRepository storage, VdiRecords vdis, SuspendImages images, GuestOptions guests, string consoles, XenStore store, TimeProvider time, ILogger log) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Domain> _living = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = new(StringComparer.Ordinal);
    private int _lastDomid;

    public Domain? Find(string vm) => _living.GetValueOrDefault(vm);

    public static bool IsDisk(Record vbd) => vbd.Text("type") == "Disk" && !vbd.Flag("empty") && !Values.IsNull(vbd.Text("VDI"));

    /// <summary>Attaches the disks, boots the guest and writes all that into the objects.</summary>
    /// <param name="vm">A VM that may start.</param>
    /// <param name="paused">Whether it is left paused.</param>
    /// <param name="cancellation">Ends the wait for the repository.</param>
    public Task BuildAsync(Record vm, bool paused, CancellationToken cancellation) =>
        InTurnAsync(vm.Ref, () => BuildInTurnAsync(vm, null, paused, cancellation), cancellation);

    /// <summary>Takes a VM down whose guest has ended or shall end now, closes its disks and writes it into the objects. A suspended one loses its memory.</summary>
    public Task DestroyAsync(string vm) => InTurnAsync(
        vm,
        async () =>
        {
            await EndAsync(vm);
            await WriteDownAsync(vm, suspendImage: null);
            await images.DropAsync(vm);
        },
        CancellationToken.None);

    /// <summary>Writes a running VM's memory to disk and lets go of the rest. Where there is no room for it, the VM runs on.</summary>
    public Task SuspendAsync(Record vm, CancellationToken cancellation) => InTurnAsync(
        vm.Ref,
        async () =>
        {
            if (Find(vm.Ref) is not { } domain)
            {
                // Cut off while it waited for its turn.
                throw new ApiFailure("VM_BAD_POWER_STATE", vm.Ref, "running", "halted");
            }

            string image;
            try
            {
                await (domain.Guest?.PauseAsync(cancellation) ?? Task.CompletedTask);
                image = await images.SaveAsync(vm, domain.Guest?.Memory, cancellation);
            }
            catch
            {
                domain.Guest?.Resume();
                throw;
            }

            await EndAsync(vm.Ref);
            await WriteDownAsync(vm.Ref, image);
        },
        cancellation);

    /// <summary>Lets a suspended VM go on with its memory, which is gone from the disk then. Where it cannot, it stays suspended.</summary>
    public Task ResumeAsync(Record vm, bool paused, CancellationToken cancellation) => InTurnAsync(
        vm.Ref,
        async () =>
        {
            await BuildInTurnAsync(vm, await images.LoadAsync(vm, cancellation), paused, cancellation);
            await images.DropAsync(vm.Ref);
        },
        cancellation);

    /// <summary>Gives a VM a new domain on the same disks without its ever being halted; one that was taken down meanwhile stays down.</summary>
    public Task RebuildAsync(Record vm, CancellationToken cancellation) => InTurnAsync(
        vm.Ref,
        async () =>
        {
            if (!await EndAsync(vm.Ref))
            {
                return;
            }

            try
            {
                await BuildInTurnAsync(vm, null, false, cancellation);
            }
            catch
            {
                await WriteDownAsync(vm.Ref, suspendImage: null);
                throw;
            }
        },
        cancellation);

    /// <summary>Does something to a VM's domain while nobody else does.</summary>
    public async Task InTurnAsync(string vm, Func<Task> work, CancellationToken cancellation)
    {
        SemaphoreSlim turn = _turns.GetOrAdd(vm, _ => new SemaphoreSlim(1));
        await turn.WaitAsync(cancellation);
        try
        {
            await work();
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task BuildInTurnAsync(Record vm, GuestMemory? memory, bool paused, CancellationToken cancellation)
    {
        Domain domain = new(Interlocked.Increment(ref _lastDomid));
        try
        {
            Record[] vbds = [.. Devices("VBD", vm.Ref).OrderBy(vbd => Position(vbd.Text("userdevice")))];
            foreach (Record vbd in vbds.Where(IsDisk))
            {
                domain.Disks[vbd.Ref] = await AttachAsync(vbd, cancellation);
            }

            store.Introduce(domain.Domid, vm.Text("name_label"), vm.Uuid, vm.Map("xenstore_data").Select(d => KeyValuePair.Create(d.Key, (string)d.Value)));
            domain.Guest = Boot(vm, vbds, domain, memory, paused);
            _living[vm.Ref] = domain;
            database.Change(tx => WriteRunning(tx, tx.Get("VM", vm.Ref), vbds, domain, paused));
        }
        catch
        {
            _living.TryRemove(vm.Ref, out _);
            await domain.DisposeAsync();
            store.Release(domain.Domid);
            throw;
        }

        LogBuilt(vm.Text("name_label"), domain.Domid, domain.Disks.Count);
    }

    /// <returns>Whether there was a domain to end.</returns>
    private async Task<bool> EndAsync(string vm)
    {
        if (!_living.TryRemove(vm, out Domain? domain))
        {
            return false;
        }

        await domain.PullAsync();
        await domain.DisposeAsync();
        store.Release(domain.Domid);
        return true;
    }

    /// <param name="vm">The VM.</param>
    /// <param name="suspendImage">Where its memory is; null when it is halted.</param>
    private async Task WriteDownAsync(string vm, string? suspendImage)
    {
        VhdFacts?[] files = await FilesAsync(vm);
        database.Change(tx =>
        {
            if (tx.Find(vm) is { } record)
            {
                WriteDown(tx, record, suspended: suspendImage is not null);
                if (suspendImage is not null)
                {
                    tx.Set(vm, "suspend_VDI", suspendImage);
                }

                foreach (VhdFacts file in files.OfType<VhdFacts>())
                {
                    if (tx.All("VDI").FirstOrDefault(vdi => vdi.Uuid == file.Uuid) is { } vdi)
                    {
                        VdiRecords.Update(tx, vdi, file);
                    }
                }

                vdis.UpdateTotals(tx);
            }
        });
        LogDestroyed(vm, suspendImage is null ? "Halted" : "Suspended");
    }

    /// <summary>Opens a VBD's disk for the VM.</summary>
    public async Task<Disk> AttachAsync(Record vbd, CancellationToken cancellation)
    {
        Record vdi = database.Get("VDI", vbd.Text("VDI"));
        if (!vdi.Flag("managed"))
        {
            throw new ApiFailure("VDI_NOT_MANAGED", vdi.Ref);
        }

        return await storage.AttachAsync(vdi.Uuid, vbd.Text("mode") == "RO", cancellation);
    }

    /// <summary>Brings every VM down at the end of the process: a clean shutdown where the guest is quick enough, else the power is cut; files closed either way.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_living.ToArray().Select(async living =>
        {
            using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5), time);
            try
            {
                if (living.Value.Guest is { } guest && database.Find(living.Key)?.Text("power_state") == "Running")
                {
                    await guest.ShutdownAsync(patience.Token);
                }
            }
            catch (Exception error) when (error is OperationCanceledException or GuestCrashedException)
            {
                // The host goes down all the same.
            }

            await DestroyAsync(living.Key);
        }));
    }

    /// <summary>The objects of VMs after the host itself was down: what ran is halted, as after a crash.</summary>
    public static void Recover(Database database) => database.Change(tx =>
    {
        foreach (Record vm in tx.All("VM").Where(vm => !vm.Flag("is_control_domain")).ToArray())
        {
            tx.Set(vm.Ref, "current_operations", Values.NoMap);
            if (vm.Text("power_state") is "Running" or "Paused")
            {
                WriteDown(tx, vm, suspended: false);
            }
        }
    });

    private static void WriteDown(Transaction tx, Record vm, bool suspended)
    {
        tx.Set(
            vm.Ref,
            ("power_state", suspended ? "Suspended" : "Halted"),
            ("domid", -1L),
            ("resident_on", Values.NullRef),
            ("guest_metrics", Values.NullRef));
        tx.Delete(vm.Text("guest_metrics"));
        tx.Set(vm.Text("metrics"), ("state", Values.NoSet), ("memory_actual", 0L));
        DropConsoles(tx, vm.Ref);
        foreach (string type in new[] { "VBD", "VIF" })
        {
            foreach (Record device in tx.All(type).Where(device => device.Text("VM") == vm.Ref && device.Flag("currently_attached")).ToArray())
            {
                // A suspended VM keeps its devices reserved though its files are closed.
                tx.Set(device.Ref, "currently_attached", suspended);
            }
        }
    }

    private static void DropConsoles(Transaction tx, string vm)
    {
        foreach (Record console in tx.All("console").Where(console => console.Text("VM") == vm).ToArray())
        {
            tx.Delete(console.Ref);
        }
    }

    private static int Position(string userdevice) => int.TryParse(userdevice, out int position) ? position : int.MaxValue;

    private IEnumerable<Record> Devices(string type, string vm) => database.All(type).Where(device => device.Text("VM") == vm);

    private Guest? Boot(Record vm, Record[] vbds, Domain domain, GuestMemory? memory, bool paused) =>
        vbds.FirstOrDefault(vbd => Position(vbd.Text("userdevice")) == 0 && domain.Disks.ContainsKey(vbd.Ref)) is { } root && !domain.Disks[root.Ref].ReadOnly
            ? Guest.Resume(
                vm.Uuid, domain.Disks[root.Ref], memory, guests, time, log, paused, new GuestConsole(Path.Combine(consoles, $"console.{domain.Domid}")), new GuestStore(store, domain.Domid))
            : null;

    private async Task<VhdFacts?[]> FilesAsync(string vm)
    {
        List<VhdFacts?> files = [];
        foreach (Record vbd in Devices("VBD", vm).Where(IsDisk))
        {
            if (database.Find(vbd.Text("VDI")) is { } vdi)
            {
                files.Add(await storage.FindAsync(vdi.Uuid, CancellationToken.None));
            }
        }

        return [.. files];
    }

    private void WriteRunning(Transaction tx, Record vm, Record[] vbds, Domain domain, bool paused)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        DropConsoles(tx, vm.Ref);
        tx.Delete(vm.Text("guest_metrics"));
        string host = tx.All("host").First().Ref;
        string guestMetrics = domain.Guest is null ? Values.NullRef : tx.Create("VM_guest_metrics",
        [
            new("PV_drivers_version", Values.Map(("major", "9"), ("minor", "2"), ("micro", "0"), ("build", "1"))),
            new("PV_drivers_detected", true),
            new("PV_drivers_up_to_date", true),
            new("networks", Values.Map(Devices("VIF", vm.Ref).SelectMany(GuestAddresses.Reported))),
            new("live", true),
            new("last_updated", now),
        ]);
        tx.Set(
            vm.Ref,
            ("power_state", paused ? "Paused" : "Running"),
            ("domid", (long)domain.Domid),
            ("resident_on", host),
            ("guest_metrics", guestMetrics));
        tx.Set(
            vm.Text("metrics"),
            ("start_time", now),
            ("last_updated", now),
            ("state", Values.Set([paused ? "p" : "r"])),
            ("memory_actual", vm.Int("memory_dynamic_max")),
            ("VCPUs_number", vm.Int("VCPUs_at_startup")));
        foreach (Record vbd in vbds)
        {
            tx.Set(vbd.Ref, ("currently_attached", true), ("device", DeviceName(vbd.Text("userdevice"))));
        }

        foreach (Record vif in tx.All("VIF").Where(vif => vif.Text("VM") == vm.Ref).ToArray())
        {
            tx.Set(vif.Ref, "currently_attached", true);
        }

        tx.Create("console",
        [
            new("protocol", "rfb"),
            new("location", $"https://{tx.Get("host", host).Text("address")}/console?uuid={Guid.NewGuid()}"),
            new("VM", vm.Ref),
        ]);
    }

    /// <summary>The name a PV guest gives the device: 0 is xvda.</summary>
    public static string DeviceName(string userdevice) =>
        int.TryParse(userdevice, out int position) && position is >= 0 and < 26 ? $"xvd{(char)('a' + position)}" : userdevice;

    [LoggerMessage(LogLevel.Information, "{Vm} runs as domain {Domid} with {Disks} disks")]
    private partial void LogBuilt(string vm, int domid, int disks);

    [LoggerMessage(LogLevel.Information, "{Vm} is {State}")]
    private partial void LogDestroyed(string vm, string state);
}
