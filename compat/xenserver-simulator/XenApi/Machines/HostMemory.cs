using NovaShim.XenServerSimulator.XenApi.Pool;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>Who holds how much of the host's memory, in bytes.</summary>
internal sealed class HostMemory(Database database, HostIdentity identity)
{
    /// <summary>What the hypervisor itself takes.</summary>
    public const long HypervisorOverhead = 128L << 20;

    /// <summary>What dom0 takes.</summary>
    public const long ControlDomain = 512L << 20;

    /// <summary>What a VM takes beside the memory its guest sees.</summary>
    public const long VmOverhead = 8L << 20;

    private long _withheld;

    /// <summary>Memory that a test has taken away.</summary>
    public long Withheld
    {
        get => Interlocked.Read(ref _withheld);
        set => Interlocked.Exchange(ref _withheld, value);
    }

    public long Free => Math.Max(
        0,
        identity.MemoryBytes - HypervisorOverhead - Withheld
            - database.All("VM").Where(vm => vm.Text("power_state") is "Running" or "Paused").Sum(Needed));

    public static long Needed(Record vm) => vm.Flag("is_control_domain") ? ControlDomain : Math.Min(vm.Int("memory_static_max"), long.MaxValue - VmOverhead) + VmOverhead;

    /// <exception cref="ApiFailure">HOST_NOT_ENOUGH_FREE_MEMORY [needed, available].</exception>
    public void AssertRoomFor(Record vm)
    {
        long needed = Needed(vm), free = Free;
        if (needed > free)
        {
            throw new ApiFailure("HOST_NOT_ENOUGH_FREE_MEMORY", Values.Text(needed), Values.Text(free));
        }
    }
}
