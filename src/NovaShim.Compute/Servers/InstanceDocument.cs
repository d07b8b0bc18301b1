using NovaShim.Compute.Documents;
using NovaShim.Compute.SecurityGroups;
using NovaShim.Compute.ServerGroups;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>A server: a row of Nova's <c>instances</c>.</summary>
public sealed record InstanceDocument : Document
{
    /// <summary>Nova's integer id.</summary>
    public required int Id { get; init; }

    /// <summary>The server's UUID; the same as <see cref="Document.Key"/>.</summary>
    public required string Uuid { get; init; }

    /// <summary>The name the user gave.</summary>
    public required string DisplayName { get; init; }

    /// <summary>The tenant that owns it.</summary>
    public required string ProjectId { get; init; }

    /// <summary>The user who created it.</summary>
    public required string UserId { get; init; }

    /// <summary>The image it was built from.</summary>
    public required string ImageRef { get; init; }

    /// <summary>The flavor it has, whole: a flavor may be deleted while servers have it.</summary>
    public required Flavor Flavor { get; init; }

    /// <summary>The host it is on; null before one is chosen.</summary>
    public string? Host { get; init; }

    /// <summary>The host's node at its hypervisor.</summary>
    public string? Node { get; init; }

    /// <summary>One of <see cref="VmStates"/>.</summary>
    public required string VmState { get; init; }

    /// <summary>One of <see cref="TaskStates"/>, or null.</summary>
    public string? TaskState { get; init; }

    /// <summary>The hypervisor's word.</summary>
    public PowerState PowerState { get; init; }

    /// <summary>0 to 100.</summary>
    public int Progress { get; init; }

    /// <summary>The user's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The name of the user's key pair.</summary>
    public string? KeyName { get; init; }

    /// <summary>Its public key as it was when the server was created: the key pair may be deleted while servers have it.</summary>
    public string? KeyData { get; init; }

    /// <summary>The user's data for the guest, in base64.</summary>
    public string? UserData { get; init; }

    /// <summary>Whether a config drive was asked for, or made by a host that makes one for every server.</summary>
    public bool ConfigDrive { get; init; }

    /// <summary>Which of the servers it is that one request created: 0, 1 …</summary>
    public int LaunchIndex { get; init; }

    /// <summary>Whether it was asked for without a network interface.</summary>
    public bool WithoutNetwork { get; init; }

    /// <summary>The availability zone that was asked for.</summary>
    public string? AvailabilityZone { get; init; }

    /// <summary>The security groups it is in; null: its tenant's default group.</summary>
    public IReadOnlyList<SecurityGroupReference>? SecurityGroups { get; init; }

    /// <summary>What was asked for of the host; null when nothing was.</summary>
    public SchedulerHints? Hints { get; init; }

    /// <summary>The user's IPv4 address of access, as written.</summary>
    public string AccessIpV4 { get; init; } = "";

    /// <summary>The user's IPv6 address of access, as written.</summary>
    public string AccessIpV6 { get; init; } = "";

    /// <summary>Whether the disk is partitioned by the driver: <c>AUTO</c> or <c>MANUAL</c>.</summary>
    public string DiskConfig { get; init; } = "MANUAL";

    /// <summary>The id that several servers created by one request share.</summary>
    public string ReservationId { get; init; } = "";

    /// <summary>Whether it is locked.</summary>
    public bool Locked { get; init; }

    /// <summary>Who has locked it: <c>owner</c> or <c>admin</c>; null when nobody has.</summary>
    public string? LockedBy { get; init; }

    /// <summary>The image that holds what is on its disk while it is shelved; null when it is not.</summary>
    public string? ShelvedImageId { get; init; }

    /// <summary>Its fixed addresses.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>When it was first running (UTC).</summary>
    public DateTime? LaunchedAt { get; init; }

    /// <summary>When it was gone (UTC).</summary>
    public DateTime? TerminatedAt { get; init; }

    /// <summary>Whether it is gone. The document stays, as Nova's rows do.</summary>
    public bool Deleted { get; init; }

    /// <summary>When it was deleted (UTC).</summary>
    public DateTime? DeletedAt { get; init; }

    /// <summary>What went wrong, shown while the server is in ERROR.</summary>
    public InstanceFault? Fault { get; init; }

    /// <summary>The migration that has a say over this server's state; null when none has.</summary>
    public string? MigrationUuid { get; init; }

    /// <summary>What is to be done next with the server outside migrations; null when nothing is.</summary>
    public InstanceWork? Work { get; init; }

    /// <summary>The zone that was asked for, or null.</summary>
    public string? WantedZone() => AvailabilityZone?.Split(':', 2)[0] is { Length: > 0 } zone ? zone : null;

    /// <summary>The host that an administrator asked for, or null.</summary>
    public string? WantedHost() => AvailabilityZone?.Split(':', 2) is [_, { Length: > 0 } host] ? host : null;

    /// <summary>The server in ERROR, with what the user is told.</summary>
    internal InstanceDocument Faulted(string message, DateTime now) => this with { VmState = VmStates.Error, Fault = new InstanceFault(500, message, $"request {Work?.Context.RequestId}", now) };

    /// <summary>The server of a build that a host does not take: for the scheduler to choose another.</summary>
    internal InstanceDocument RefusedBy(string host, DateTime now) =>
        this with { Host = null, Node = null, TaskState = Work!.Step == InstanceSteps.RunInstance ? TaskStates.Scheduling : TaskState, Work = Work!.HandedTo(Actors.Scheduler, now) with { RefusedBy = [.. Work.RefusedBy, host] } };
}

/// <summary>Work on a server: its step is the message's method (<see cref="InstanceSteps"/>).</summary>
public sealed record InstanceWork : WorkItem
{
    /// <summary>The hosts that have refused a build so far.</summary>
    public IReadOnlyList<string> RefusedBy { get; init; } = [];

    /// <summary>What is to be put into the guest; gone from the store when the work is done. Null for work that has nothing for it.</summary>
    public GuestRequest? Guest { get; init; }

    /// <summary>Arguments of the message, by the names in <see cref="InstanceArgs"/>.</summary>
    public IReadOnlyDictionary<string, string> Args { get; init; } = new Dictionary<string, string>();

    /// <summary>The vm_state that the server had when the work was accepted: what it goes back to when the work fails. Null for a build or delete, from which there is no way back.</summary>
    public string? PreviousVmState { get; init; }

    /// <summary>The same work for another actor to begin.</summary>
    internal InstanceWork HandedTo(string actor, DateTime now) => this with { Actor = actor, Lease = null, BegunAt = null, Attempts = 0, Error = null, Checkpoint = null, DueAt = now };
}

/// <summary>What happened to a server that is in ERROR (a row of Nova's <c>instance_faults</c>).</summary>
/// <param name="Code">HTTP-like: 500 for what the cloud did.</param>
/// <param name="Message">For the user.</param>
/// <param name="Details">For the operator.</param>
/// <param name="Created">When (UTC).</param>
public sealed record InstanceFault(int Code, string Message, string Details, DateTime Created);
