using NovaShim.Compute.Hosts;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>Documents to store.</summary>
internal static class Samples
{
    private static int lastId;

    public static InstanceDocument Instance(string? name = null, string? host = null)
    {
        var uuid = Guid.NewGuid().ToString();
        return new InstanceDocument
        {
            Key = uuid, Uuid = uuid, Id = Interlocked.Increment(ref lastId), DisplayName = name ?? "server", ProjectId = "p", UserId = "u", ImageRef = "i", Host = host, VmState = VmStates.Active,
            Flavor = new Flavor { Id = 1, FlavorId = "1", Name = "m1.tiny", MemoryMb = 512, Vcpus = 1, RootGb = 1 },
        };
    }

    public static InstanceWork Work(string actor) => new()
    {
        Step = "run_instance", Actor = actor, DueAt = new DateTime(2026, 1, 2, 3, 4, 5, 6, DateTimeKind.Utc), Context = new RequestContext { RequestId = "req-1" },
        Args = new Dictionary<string, string> { ["reboot_type"] = "SOFT" }, RefusedBy = ["xen1", "xen2"],
    };

    public static ServiceDocument Service(string host, string binary = "nova-compute") => new()
    {
        Key = Guid.NewGuid().ToString(), Id = Interlocked.Increment(ref lastId), Host = host, Binary = binary, Topic = "compute",
    };
}
