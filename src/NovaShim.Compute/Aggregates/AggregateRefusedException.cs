namespace NovaShim.Compute.Aggregates;

/// <summary>Why something cannot be done with an aggregate.</summary>
public enum AggregateRefusal
{
    /// <summary>There is no such aggregate.</summary>
    NoAggregate,

    /// <summary>There is no such compute host.</summary>
    NoHost,

    /// <summary>The host is in it already.</summary>
    HostThere,

    /// <summary>The host is not in it.</summary>
    HostNotThere,

    /// <summary>The name is taken.</summary>
    NameTaken,

    /// <summary>The host to be added is in another zone.</summary>
    HostInAnotherZone,

    /// <summary>The zone cannot be changed, or the aggregate not be removed, because of the hosts in it.</summary>
    InvalidAction,
}

/// <summary>Something cannot be done with an aggregate.</summary>
public sealed class AggregateRefusedException(AggregateRefusal reason, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public AggregateRefusal Reason { get; } = reason;
}
