using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>The messages that change a VM's power state.</summary>
internal sealed class VmPower(Database database, VmOperations operations, Domains domains, HostMemory memory)
{
    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("VM.start", call => StartAsync(call, "start", call.Flag(1))),
        new("VM.start_on", StartOnAsync),
        new("VM.clean_shutdown", call => WithinAsync(call, "clean_shutdown", vm => CleanShutdownAsync(vm, call.Cancellation))),
        new("VM.hard_shutdown", call => WithinAsync(call, "hard_shutdown", vm => domains.DestroyAsync(vm.Ref))),
        new("VM.shutdown", call => WithinAsync(call, "shutdown", vm => ShutdownAsync(vm, call.Cancellation))),
        new("VM.clean_reboot", call => WithinAsync(call, "clean_reboot", vm => CleanRebootAsync(vm, call.Cancellation))),
        new("VM.hard_reboot", call => WithinAsync(call, "hard_reboot", vm => domains.RebuildAsync(vm, call.Cancellation))),
        new("VM.pause", call => WithinAsync(call, "pause", vm => PauseAsync(vm, call.Cancellation))),
        new("VM.unpause", call => WithinAsync(call, "unpause", vm => Unpause(vm))),
        new("VM.suspend", call => WithinAsync(call, "suspend", vm => domains.SuspendAsync(vm, call.Cancellation))),
        new("VM.resume", call => ResumeAsync(call, "resume", call.Flag(1))),
        new("VM.resume_on", call =>
        {
            database.Get("host", call.Text(1));
            return ResumeAsync(call, "resume_on", call.Flag(2));
        }),
        new("VM.power_state_reset", call => WithinAsync(call, "power_state_reset", vm => domains.DestroyAsync(vm.Ref))),
        new("VM.assert_can_boot_here", Handler.Of(call =>
        {
            database.Get("host", call.Text(1));
            AssertCanBoot(database.Get("VM", call.Text(0)));
        })),
        new("VM.get_possible_hosts", Handler.Of(call => PossibleHosts(database.Get("VM", call.Text(0))))),
    ];

    private async Task<object?> WithinAsync(Call call, string operation, Func<Record, Task> work)
    {
        using IDisposable entry = await operations.BeginAsync(call.Text(0), operation, call.Cancellation);
        await work(database.Get("VM", call.Text(0)));
        return null;
    }

    private Task<object?> StartAsync(Call call, string operation, bool paused) => WithinAsync(call, operation, async vm =>
    {
        if (operation == "start" && PossibleHosts(vm).Count == 0)
        {
            throw new ApiFailure("NO_HOSTS_AVAILABLE");
        }

        AssertCanBoot(vm);
        await domains.BuildAsync(vm, paused, call.Cancellation);
    });

    private async Task<object?> StartOnAsync(Call call)
    {
        database.Get("host", call.Text(1));
        return await StartAsync(call, "start_on", call.Flag(2));
    }

    private Task<object?> ResumeAsync(Call call, string operation, bool paused) => WithinAsync(call, operation, async vm =>
    {
        AssertCanBoot(vm);
        await domains.ResumeAsync(vm, paused, call.Cancellation);
    });

    private ValueSet PossibleHosts(Record vm)
    {
        try
        {
            AssertCanBoot(vm);
            return Values.Set(database.All("host").Select(host => host.Ref));
        }
        catch (ApiFailure failure) when (failure.Code is "HOST_NOT_ENOUGH_FREE_MEMORY" or "HOST_DISABLED" or "VM_REQUIRES_SR")
        {
            return Values.NoSet;
        }
    }

    private void AssertCanBoot(Record vm)
    {
        VmSettings.AssertMemoryOrder(
            vm.Int("memory_static_min"), vm.Int("memory_dynamic_min"), vm.Int("memory_dynamic_max"), vm.Int("memory_static_max"));
        Record host = database.All("host").First();
        if (!host.Flag("enabled"))
        {
            throw new ApiFailure("HOST_DISABLED", host.Ref);
        }

        foreach (Record vdi in database.All("VBD").Where(vbd => vbd.Text("VM") == vm.Ref && Domains.IsDisk(vbd)).Select(vbd => database.Get("VDI", vbd.Text("VDI"))))
        {
            string sr = vdi.Text("SR");
            if (!database.All("PBD").Any(pbd => pbd.Text("SR") == sr && pbd.Flag("currently_attached")))
            {
                throw new ApiFailure("VM_REQUIRES_SR", vm.Ref, sr);
            }
        }

        memory.AssertRoomFor(vm);
    }

    private async Task CleanShutdownAsync(Record vm, CancellationToken cancellation)
    {
        await EndGuestAsync(vm, cancellation);
        await domains.DestroyAsync(vm.Ref);
    }

    /// <summary>Returns when the guest has ended, by itself or because a hard shutdown came over it.</summary>
    private async Task EndGuestAsync(Record vm, CancellationToken cancellation)
    {
        if (domains.Find(vm.Ref) is not { Guest: { } guest } domain)
        {
            return;
        }

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, domain.Destroyed);
        try
        {
            await guest.ShutdownAsync(stop.Token);
        }
        catch (GuestCrashedException)
        {
            throw new ApiFailure("VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", vm.Ref);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The power was cut meanwhile: the VM is down, which is what was asked for.
        }
    }

    private async Task ShutdownAsync(Record vm, CancellationToken cancellation)
    {
        try
        {
            if (vm.Text("power_state") == "Running")
            {
                await EndGuestAsync(vm, cancellation);
            }
        }
        catch (ApiFailure)
        {
            // A guest that does not answer is what the hard way is for.
        }

        await domains.DestroyAsync(vm.Ref);
    }

    private async Task CleanRebootAsync(Record vm, CancellationToken cancellation)
    {
        await EndGuestAsync(vm, cancellation);
        await domains.RebuildAsync(vm, cancellation);
    }

    private async Task PauseAsync(Record vm, CancellationToken cancellation)
    {
        if (domains.Find(vm.Ref)?.Guest is { } guest)
        {
            await guest.PauseAsync(cancellation);
        }

        database.Change(tx =>
        {
            tx.Set(vm.Ref, "power_state", "Paused");
            tx.Set(vm.Text("metrics"), "state", Values.Set(["p"]));
        });
    }

    private Task Unpause(Record vm)
    {
        domains.Find(vm.Ref)?.Guest?.Resume();
        database.Change(tx =>
        {
            tx.Set(vm.Ref, "power_state", "Running");
            tx.Set(vm.Text("metrics"), "state", Values.Set(["r"]));
        });
        return Task.CompletedTask;
    }
}
