using NovaShim.Sdk;

namespace NovaShim.Fake;

internal sealed partial class FakeDriver
{
    public override Task<SnapshotInfo> SnapshotAsync(InstanceStepContext step, ImageTarget image, CancellationToken cancellation) => DoAsync(
        "snapshot",
        async () =>
        {
            var disk = await World.ChangeAsync(world => FindHere(world, step.Instance.Uuid).Disks[0].Copy(), host.Time, cancellation);
            await using var stream = await image.OpenWrite(cancellation);
            await new FakeImage(disk.Size, disk.Journal).WriteAsync(stream, cancellation);
            return new SnapshotInfo("raw", disk.Size);
        },
        cancellation);
}
