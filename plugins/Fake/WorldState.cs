using System.Text.Json.Serialization;

namespace NovaShim.Fake;

/// <summary>Everything there is in a world: what a state file holds.</summary>
internal sealed class WorldState
{
    /// <summary>The hosts by name.</summary>
    public SortedDictionary<string, HostState> Hosts { get; init; } = new(StringComparer.Ordinal);

    /// <summary>What must never happen and has happened, in order; empty in a world whose control plane is right.</summary>
    public List<string> Violations { get; init; } = [];

    public HostState Host(string name)
    {
        if (!Hosts.TryGetValue(name, out var host))
        {
            Hosts[name] = host = new HostState();
        }

        return host;
    }
}

/// <summary>A host.</summary>
internal sealed class HostState
{
    /// <summary>Its VMs by the server's UUID.</summary>
    public SortedDictionary<string, FakeVm> Vms { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Disks on their way here, by the migration's UUID.</summary>
    public SortedDictionary<string, List<FakeDisk>> Incoming { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The migrations that something may be sent or received for.</summary>
    public SortedSet<string> Keys { get; init; } = new(StringComparer.Ordinal);

    /// <summary>How often each verb has failed as it was set to.</summary>
    public SortedDictionary<string, int> Failures { get; init; } = new(StringComparer.Ordinal);
}

/// <summary>A VM.</summary>
internal sealed class FakeVm
{
    /// <summary>Its name.</summary>
    public required string Name { get; set; }

    /// <summary>Memory in MiB.</summary>
    public required int MemoryMb { get; set; }

    /// <summary>Virtual CPUs.</summary>
    public required int Vcpus { get; set; }

    /// <summary>Its disks, the root disk first.</summary>
    public required List<FakeDisk> Disks { get; init; }

    /// <summary>Whether it runs, or would if it were not paused.</summary>
    public bool Running { get; set; }

    /// <summary>Whether its clock stands still.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Paused { get; set; }

    /// <summary>Whether its memory lies on disk; it does not run then.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Suspended { get; set; }

    /// <summary>The VM that stands in for it while it is being rescued; null when it is not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FakeVm? Rescue { get; set; }

    /// <summary>The administrator's password in its guest, as SHA-256 in hexadecimal; null when none was ever set.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PasswordSha256 { get; set; }

    /// <summary>Files that were put into its guest: contents in base 64 by path.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? Files { get; set; }

    /// <summary>The VM that is used at present: itself, or the one that stands in for it.</summary>
    [JsonIgnore]
    public FakeVm InFront => Rescue ?? this;

    /// <summary>Whether a guest of the server runs.</summary>
    [JsonIgnore]
    public bool Up => Running || Rescue is { Running: true };

    /// <summary>The migration that made it here; null when it was built here.</summary>
    public string? MadeBy { get; set; }

    /// <summary>The migration that forbids its start; null when it may start.</summary>
    public string? BlockedBy { get; set; }

    /// <summary>Whether that migration has stopped it, and is to start it again if it is undone.</summary>
    public bool StartAgain { get; set; }
}

/// <summary>A disk: instead of bytes it has a journal, to which the guest adds a line whenever it starts or stops.</summary>
internal sealed record FakeDisk
{
    /// <summary>Which one: <c>root</c> or <c>ephemeral</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its size in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>What the guest has written.</summary>
    public List<string> Journal { get; init; } = [];

    /// <summary>The disk as it is now, apart from what is written to this one later.</summary>
    public FakeDisk Copy() => this with { Journal = [.. Journal] };
}

/// <summary>How the state file and the notes between steps are written: generated code, so that nothing of the plugin stays in caches of the program.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(WorldState))]
[JsonSerializable(typeof(CopyNote))]
[JsonSerializable(typeof(DiskInfo))]
[JsonSerializable(typeof(MigrationOffer))]
internal sealed partial class FakeJson : JsonSerializerContext;
