using System.Globalization;
using NovaShim.Compute.Images;
using NovaShim.Compute.Messaging;

namespace NovaShim.Compute.Servers;

/// <summary>
/// The verbs that make images of servers. Each makes the image's document first, without bytes (users see it as SAVING), and then puts the work on the server in one compare-and-set. Dying in between leaves an image
/// that no server's work names, which <see cref="OrphanSnapshots"/> removes.
/// </summary>
public sealed class SnapshotApi(ComputeApi compute, IImageLibrary images)
{
    /// <summary>Accepts that an image is made of a server. Throws <see cref="InstanceInvalidStateException"/> unless it is idle, and active, shut down, paused or suspended.</summary>
    /// <returns>The image, still without bytes.</returns>
    public Task<ImageDocument> CreateImageAsync(InstanceDocument instance, string name, IReadOnlyDictionary<string, string> metadata, RequestContext context, CancellationToken cancellation) =>
        BeginAsync(instance, ServerAction.CreateImage, name, "snapshot", metadata, [], context, cancellation);

    /// <summary>Accepts the same for a backup: of all of its type only the newest are kept.</summary>
    /// <param name="instance">The server.</param>
    /// <param name="name">The image's name.</param>
    /// <param name="backupType">Such as <c>daily</c>.</param>
    /// <param name="rotation">How many to keep; with 0 not even the new one is.</param>
    /// <param name="metadata">The image's metadata.</param>
    /// <param name="context">Who asks.</param>
    /// <param name="cancellation">Cancels.</param>
    public Task<ImageDocument> CreateBackupAsync(
        InstanceDocument instance, string name, string backupType, int rotation, IReadOnlyDictionary<string, string> metadata, RequestContext context, CancellationToken cancellation) => BeginAsync(
            instance, ServerAction.CreateBackup, name, SnapshotProperties.Backup, new Dictionary<string, string>(metadata) { [SnapshotProperties.BackupType] = backupType },
            new() { [InstanceArgs.BackupType] = backupType, [InstanceArgs.Rotation] = rotation.ToString(CultureInfo.InvariantCulture) }, context, cancellation);

    /// <summary>Accepts that a server goes to the shelf: it is shut down, kept as an image and, unless set otherwise, taken off its host.</summary>
    public Task ShelveAsync(InstanceDocument instance, RequestContext context, CancellationToken cancellation) =>
        BeginAsync(instance, ServerAction.Shelve, instance.DisplayName + "-shelved", "snapshot", new Dictionary<string, string>(), [], context, cancellation);

    private async Task<ImageDocument> BeginAsync(
        InstanceDocument instance, ServerAction action, string name, string type, IReadOnlyDictionary<string, string> metadata, Dictionary<string, string> args, RequestContext context, CancellationToken cancellation)
    {
        ComputeApi.Check(instance, action);
        var made = await images.FindAsync(instance.ImageRef, cancellation);
        var uuid = Guid.NewGuid().ToString();
        var image = await images.CreateSnapshotAsync(
            new ImageDocument
            {
                Key = uuid, Uuid = uuid, Name = name, DiskFormat = null, Location = null, ProjectId = instance.ProjectId, SnapshotOf = instance.Uuid,
                MinRam = made?.MinRam ?? 0, MinDisk = Math.Max(instance.Flavor.RootGb, made?.MinDisk ?? 0),

                // What the user says of the image goes before what is said of it here: so it does in Nova.
                Metadata = new Dictionary<string, string>(
                    new Dictionary<string, string>
                    {
                        [SnapshotProperties.InstanceUuid] = instance.Uuid, [SnapshotProperties.ImageType] = type, [SnapshotProperties.BaseImageRef] = instance.ImageRef,
                        [SnapshotProperties.UserId] = context.UserId,
                    }.Concat(metadata).GroupBy(p => p.Key, p => p.Value).Select(g => KeyValuePair.Create(g.Key, g.Last()))),
            },
            cancellation);
        args[InstanceArgs.ImageId] = uuid;
        try
        {
            await compute.ActAsync(instance, action, context, args, guest: null, i => i, cancellation);
            return image;
        }
        catch (InstanceInvalidStateException)
        {
            await images.AbandonAsync(image.Uuid, CancellationToken.None);
            throw;
        }
    }
}
