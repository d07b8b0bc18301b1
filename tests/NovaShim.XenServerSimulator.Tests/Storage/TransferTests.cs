using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Tests.Storage;

public sealed class TransferTests
{
    private const int MiB = 1 << 20;

    [Theory]
    [InlineData("raw")]
    [InlineData("vhd")]
    public async Task What_is_exported_flat_imports_to_the_same_disk(string format)
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string source = await sr.CreateAsync();
        await sr.WriteAsync(source, MiB, 5000 / 512 * 512, 1);
        await sr.SnapshotAsync(source);
        await sr.WriteAsync(source, 9 * MiB, 4096, 2);
        string target = await sr.CreateAsync();
        List<double> progress = [];

        using MemoryStream stream = new();
        await sr.Repository.ExportAsync(source, stream, format, null, new Collected(progress), CancellationToken.None);
        stream.Position = 0;
        await sr.Repository.ImportAsync(target, stream, stream.Length, format, null, CancellationToken.None);

        Assert.Equal(sr.ContentOf(source), sr.ContentOf(target));
        Assert.Equal(1.0, progress[^1]);
        Assert.Equal(progress.Order(), progress);
        Assert.False(sr.Repository.IsAttached(source) || sr.Repository.IsAttached(target));

        // Zeros take no room: two blocks hold data.
        Assert.InRange((await sr.FactsAsync(target)).PhysicalUtilisation, 4 * MiB, 5 * MiB);
    }

    [Fact]
    public async Task Only_what_changed_since_a_snapshot_is_exported_with_it_as_base()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string source = await sr.CreateAsync();
        await sr.WriteAsync(source, 0, 8 * MiB, 1);
        SnapshotFacts first = await sr.SnapshotAsync(source);
        await sr.WriteAsync(source, 9 * MiB, 4096, 2);
        SnapshotFacts second = await sr.SnapshotAsync(source);
        string target = await sr.CreateAsync();

        using MemoryStream full = new(), delta = new();
        await sr.Repository.ExportAsync(first.SnapshotUuid, full, "vhd", null, null, CancellationToken.None);
        await sr.Repository.ExportAsync(second.SnapshotUuid, delta, "vhd", first.SnapshotUuid, null, CancellationToken.None);
        Assert.InRange(delta.Length, 2 * MiB, 3 * MiB);
        full.Position = delta.Position = 0;
        await sr.Repository.ImportAsync(target, full, null, "vhd", null, CancellationToken.None);
        await sr.Repository.ImportAsync(target, delta, null, "vhd", null, CancellationToken.None);

        Assert.Equal(sr.ContentOf(source), sr.ContentOf(target));
        string stranger = await sr.CreateAsync();
        await Assert.ThrowsAsync<StorageException>(() => sr.Repository.ExportAsync(source, new MemoryStream(), "vhd", stranger, null, CancellationToken.None));
    }

    [Fact]
    public async Task What_does_not_fit_or_is_no_image_is_refused()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string target = await sr.CreateAsync(2 * MiB);

        Assert.Equal(StorageError.VdiSize, await ImportAsync(Enumerable.Repeat((byte)1, 3 * MiB).ToArray(), "raw"));
        Assert.Equal(StorageError.VdiUnavailable, await ImportAsync(Enumerable.Repeat((byte)1, MiB).ToArray(), "vhd"));
        Assert.Equal(StorageError.VdiUnavailable, await ImportAsync([], "qcow2"));
        await using Disk disk = await sr.Repository.AttachAsync(target, false, CancellationToken.None);
        Assert.Equal(StorageError.VdiInUse, await ImportAsync([], "raw"));

        async Task<int> ImportAsync(byte[] body, string format) => (await Assert.ThrowsAsync<StorageException>(
            () => sr.Repository.ImportAsync(target, new MemoryStream(body), body.Length, format, null, CancellationToken.None))).Number;
    }

    private sealed class Collected(List<double> values) : IProgress<double>
    {
        public void Report(double value) => values.Add(value);
    }
}
