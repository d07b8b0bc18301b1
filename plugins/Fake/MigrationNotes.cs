namespace NovaShim.Fake;

/// <summary>What the hosts hand each other before the copy: that they let the migration in.</summary>
/// <param name="Host">Who offers.</param>
internal sealed record MigrationOffer(string Host);

/// <summary>What the source tells the destination of the disks it has sent (Nova's <c>disk_info</c>).</summary>
/// <param name="Disks">The disks.</param>
internal sealed record DiskInfo(IReadOnlyList<SentDisk> Disks);

/// <summary>A disk as it was sent.</summary>
/// <param name="Name">Which one.</param>
/// <param name="Sha256">What it must hold.</param>
internal sealed record SentDisk(string Name, string Sha256);

/// <summary>The checkpoint of the copy: what a second run need not send again.</summary>
/// <param name="BytesSent">Bytes of the first round that have arrived.</param>
internal sealed record CopyNote(long BytesSent);
