using System.Globalization;
using System.IO.Pipelines;
using NovaShim.Compute.Images;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>
/// Writes servers' disks to images. The image's document is there before the work begins, without bytes; a run that is cut off leaves it so, and the next begins again.
/// </summary>
internal sealed class SnapshotSteps(IImageLibrary images)
{
    /// <summary>Sees to it that the image of the work has the server's disk in it.</summary>
    public async Task WriteAsync(LeasedWork<InstanceDocument> work, ComputeManager manager)
    {
        var (instance, id) = (work.Document, ImageOf(work));
        if (await images.FindAsync(id, work.Lost) is not { } image)
        {
            // A former run that was to keep no backup has removed it, as the last.
            if (IsKept(work))
            {
                throw Gone(id);
            }

            return;
        }

        try
        {
            await images.ReceiveSnapshotAsync(
                id, instance.Uuid,
                (stream, cancellation) => manager.SnapshotInstanceAsync(
                    new InstanceContext(work),
                    new ImageTarget { Id = id, Name = image.Name, OpenWrite = _ => Task.FromResult(PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)).AsStream()) },
                    cancellation),
                work.Lost);
        }
        catch (ImageNotFoundException e)
        {
            throw Gone(id, e);
        }
        catch (Exception e) when (e is InvalidImageException or ImageTooLargeException)
        {
            throw new StepFailedException($"The disk of server {instance.Uuid} cannot become an image: {e.Message}", StepRecovery.Unwind, e);
        }
    }

    /// <summary>
    /// Removes the oldest images of the rotation that the work's image belongs to. What an image says of itself its owner may have changed or removed meanwhile: such a one is in no rotation, or in another.
    /// </summary>
    public async Task RotateAsync(LeasedWork<InstanceDocument> work)
    {
        var (args, newest) = (work.Document.Work!.Args, ImageOf(work));
        var keep = int.Parse(args[InstanceArgs.Rotation], CultureInfo.InvariantCulture);

        // An administrator's backup is the administrator's.
        var owner = (await images.FindAsync(newest, work.Lost))?.ProjectId ?? work.Document.ProjectId;
        var rotation = (await images.SnapshotsOfAsync(owner, work.Document.Uuid, work.Lost))
            .Where(i => i.Metadata.GetValueOrDefault(SnapshotProperties.ImageType) == SnapshotProperties.Backup && i.Metadata.GetValueOrDefault(SnapshotProperties.BackupType) == args[InstanceArgs.BackupType])
            .OrderBy(i => i.Uuid == newest).ThenBy(i => i.CreatedAt);
        foreach (var old in rotation.SkipLast(keep).ToList())
        {
            await images.DeleteAsync(old.Uuid, work.Lost);
        }
    }

    /// <summary>Removes the image of work that has failed, unless it is whole.</summary>
    public Task DropAsync(LeasedWork<InstanceDocument> work) => images.AbandonAsync(ImageOf(work), work.Lost);

    /// <summary>Removes the image of a server that is on the shelf no more.</summary>
    public Task DropShelvedAsync(InstanceDocument instance, CancellationToken cancellation) => instance.ShelvedImageId is { } id ? images.DeleteAsync(id, cancellation) : Task.CompletedTask;

    /// <summary>The image that the work is about.</summary>
    public static string ImageOf(LeasedWork<InstanceDocument> work) => work.Document.Work!.Args[InstanceArgs.ImageId];

    private static bool IsKept(LeasedWork<InstanceDocument> work) => work.Document.Work!.Args.GetValueOrDefault(InstanceArgs.Rotation) != "0";

    private static StepFailedException Gone(string id, Exception? inner = null) => new($"Image {id} was deleted before it was there.", StepRecovery.Unwind, inner);
}
