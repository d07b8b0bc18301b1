using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;

namespace NovaShim.Compute.Servers;

/// <summary>
/// Removes images that were to be made of servers and never will be: their server was deleted or taken out of its state meanwhile, or the process that accepted the request died before the server knew of it.
/// </summary>
internal sealed class OrphanSnapshots(IDocumentStore store, IImageLibrary images, ComputeOptions options, TimeProvider time)
{
    /// <summary>Looks at every image that waits for its bytes.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        // An image is there a moment before its server knows of it.
        var grace = time.GetUtcNow().UtcDateTime - TimeSpan.FromSeconds(2 * options.LeaseSeconds);
        foreach (var image in await store.Collection<ImageDocument>().WhereAsync(i => i.SnapshotOf != null && i.Status != ImageStatuses.Active && i.Status != ImageStatuses.Deactivated && i.CreatedAt < grace, cancellation))
        {
            var server = await store.Collection<InstanceDocument>().GetAsync(image.SnapshotOf!, cancellation);
            if (server?.Work?.Args.GetValueOrDefault(InstanceArgs.ImageId) != image.Uuid)
            {
                await images.AbandonAsync(image.Uuid, cancellation);
            }
        }
    }
}
