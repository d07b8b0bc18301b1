namespace NovaShim.Sdk;

/// <summary>Power states with Nova's numbers (<c>nova.compute.power_state</c>).</summary>
public enum PowerState
{
    /// <summary>Not known, or there is no such VM.</summary>
    NoState = 0,

    /// <summary>Running.</summary>
    Running = 1,

    /// <summary>Paused.</summary>
    Paused = 3,

    /// <summary>Shut down.</summary>
    Shutdown = 4,

    /// <summary>Crashed.</summary>
    Crashed = 6,

    /// <summary>Suspended to disk.</summary>
    Suspended = 7,
}

/// <summary>What the hypervisor says of a server's VM (the answer to Nova's <c>get_info</c>).</summary>
/// <param name="PowerState">Its power state.</param>
/// <param name="Addresses">The fixed addresses the guest has, IPv4 or IPv6; may be empty.</param>
public sealed record InstanceInfo(PowerState PowerState, IReadOnlyList<string> Addresses);
