using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NovaShim.Sdk;
using NovaShim.XenServer.Servers;

namespace NovaShim.XenServer.Migrations;

/// <summary>What the source hands to the destination before the copy.</summary>
/// <param name="PublicKey">The public half of the migration's key, <c>ssh-ed25519 AAAA…</c>.</param>
/// <param name="DiskBytes">Bytes of the files of the server's disks, as they are now.</param>
internal sealed record SourceOffer(string PublicKey, long DiskBytes);

/// <summary>What the destination hands to the source before the copy: where to send to, and how to know that it is the right place.</summary>
/// <param name="SshHost">dom0's address.</param>
/// <param name="SshPort">The port of its sshd.</param>
/// <param name="SshUser">The user whose authorized_keys has the migration's key.</param>
/// <param name="HostKey">The only host key it may show.</param>
/// <param name="Copy">Another one each time the preparation is repeated: what was proven of an earlier copy holds for that one only.</param>
internal sealed record DestinationOffer(string SshHost, int SshPort, string SshUser, string HostKey, string Copy);

/// <summary>Nova's <c>disk_info</c>: what the destination rebuilds the server from, and proves it by.</summary>
/// <param name="Disks">The disks, by their places.</param>
/// <param name="Hardware">What the guest sees of its machine.</param>
/// <param name="Interfaces">The network interfaces.</param>
internal sealed record DiskInfo(IReadOnlyList<MigratedDisk> Disks, GuestHardware Hardware, IReadOnlyList<MigratedInterface> Interfaces)
{
    /// <summary>What the server's image says of the agent in it (<see cref="Marks.UseAgent"/>); null when it says nothing.</summary>
    public string? UseAgent { get; init; }

    /// <summary>The files of all disks, each once, every parent before its children.</summary>
    [JsonIgnore]
    public IEnumerable<MigratedFile> Files => Disks.SelectMany(d => d.Files).DistinctBy(f => f.Name);
}

/// <summary>A disk.</summary>
/// <param name="Userdevice">Its place in the VM.</param>
/// <param name="Bootable">Whether the VM boots from it.</param>
/// <param name="VirtualSize">Bytes of the disk.</param>
/// <param name="Files">Its chain of VHD files, from the root to the leaf.</param>
/// <param name="ReadOnly">Whether the guest may only read it. Documents of earlier versions do not say so: their disks are read and written.</param>
internal sealed record MigratedDisk(string Userdevice, bool Bootable, long VirtualSize, IReadOnlyList<MigratedFile> Files, bool ReadOnly = false)
{
    /// <summary>The file the guest writes into.</summary>
    [JsonIgnore]
    public MigratedFile Leaf => Files[^1];
}

/// <summary>A VHD file as it was sent.</summary>
/// <param name="Name">Its name at the source and in the folder where it arrives.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Modified">When its content last changed (seconds since 1970, with nanoseconds); the copy carries the same time.</param>
/// <param name="Uuid">The uuid in its footer.</param>
/// <param name="ParentUuid">The uuid in its parent's footer; null for a root.</param>
/// <param name="ComparedSince">
/// Where it was sent while the guest ran: the mark (a file beside it) that was put there before it was compared whole. To read it once more would take downtime by the size of the disk; that nobody has written to it
/// since is seen at once.
/// </param>
/// <param name="Sha256">Its digest, where it was sent after the guest had stopped, or where every byte is to be read once more before the start.</param>
internal sealed record MigratedFile(string Name, long Size, string Modified, Guid Uuid, Guid? ParentUuid, string? ComparedSince, string? Sha256);

/// <summary>A network interface.</summary>
/// <param name="Device">Its place in the VM.</param>
/// <param name="Mac">Its address, which it keeps.</param>
/// <param name="Mtu">Bytes of a packet.</param>
/// <param name="Bridge">The bridge it was on.</param>
/// <param name="Network">The name of that network.</param>
internal sealed record MigratedInterface(string Device, string Mac, long Mtu, string Bridge, string Network);

/// <summary>The source's note of a copy.</summary>
internal sealed record CopyCheckpoint
{
    /// <summary>The <see cref="DestinationOffer.Copy"/> it belongs to.</summary>
    public string Copy { get; init; } = "";

    /// <summary>Files that are known to be whole at the destination, as they were then. Finding it out again would mean reading them all, with the guest stopped.</summary>
    public IReadOnlyList<MigratedFile> Proven { get; init; } = [];

    /// <summary>Names of all files that were sent, still wanted or not.</summary>
    public IReadOnlyList<string> Sent { get; init; } = [];

    /// <summary>When the guest was told to stop (UTC).</summary>
    public DateTime? StoppedAt { get; init; }

    /// <summary>The result, once the copy is complete: from then on there is no key to do it with.</summary>
    public DiskInfo? Result { get; init; }
}

/// <summary>The destination's note of its work.</summary>
internal sealed record FinishCheckpoint
{
    /// <summary>Digest of the disk_info it belongs to.</summary>
    public string DiskInfo { get; init; } = "";

    /// <summary>The files are the source's. From here on they are changed (links), so that it cannot be found out again.</summary>
    public bool Proven { get; init; }

    /// <summary>The files are linked under their new names: what is not in the folder any more has been moved into the repository.</summary>
    public bool Linked { get; init; }

    /// <summary>When the VM had started (UTC).</summary>
    public DateTime? StartedAt { get; init; }
}

/// <summary>How these are written: snake_case, nothing that is null.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SourceOffer))]
[JsonSerializable(typeof(DestinationOffer))]
[JsonSerializable(typeof(DiskInfo))]
[JsonSerializable(typeof(CopyCheckpoint))]
[JsonSerializable(typeof(FinishCheckpoint))]
internal sealed partial class MigrationJson : JsonSerializerContext
{
    /// <summary>Reads what another step handed over.</summary>
    /// <exception cref="StepFailedException">It is missing or not of the expected form.</exception>
    public static T Read<T>(string? json, JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(json ?? "null", type) ?? throw new JsonException("it is missing");
        }
        catch (JsonException e)
        {
            throw new StepFailedException($"The migration's {what} cannot be used: {e.Message}", StepRecovery.Unwind, e);
        }
    }
}
