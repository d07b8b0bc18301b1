namespace NovaShim.Compute.ServerGroups;

/// <summary>What a user asks of the host that a server is put on, beside its zone.</summary>
/// <param name="Group">The UUID of a server group, or null.</param>
/// <param name="SameHost">UUIDs of servers, with one of which it is to share a host; none: no matter.</param>
/// <param name="DifferentHost">UUIDs of servers, with none of which it is to share a host.</param>
public sealed record SchedulerHints(string? Group, IReadOnlyList<string> SameHost, IReadOnlyList<string> DifferentHost);
