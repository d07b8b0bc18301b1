using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;
using NovaShim.Compute.Work;

namespace NovaShim.Compute.Tests.Images;

/// <summary>What becomes of an image's bytes, whatever happens on the way.</summary>
public sealed class ImageStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("novashim-images-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly MemoryStore.View _documents;

    public ImageStoreTests() => _documents = new MemoryStore(_time).Open();

    private IDocumentCollection<ImageDocument> Images => _documents.Collection<ImageDocument>();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Bytes_become_an_image_with_its_size_and_digests()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        var bytes = RandomNumberGenerator.GetBytes(100_000);
        var image = await store.ReceiveAsync(uuid, "me", async (stream, c) => await stream.WriteAsync(bytes, c), default);
        Assert.Equal(("active", bytes.Length, bytes.Length), (image.Status, image.Size, image.VirtualSize));
        Assert.Equal(Convert.ToHexStringLower(SHA512.HashData(bytes)), image.OsHashValue);
        Assert.Equal(32, image.Checksum!.Length);
        var read = await new ImageFiles(_documents, Options).OpenAsync(uuid, default);
        await using var stream = await read.OpenRead(default);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        Assert.Equal(bytes, copy.ToArray());
    }

    [Fact]
    public async Task A_reader_that_breaks_off_leaves_a_queued_image_and_no_file()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        await Assert.ThrowsAsync<EndOfStreamException>(() => store.ReceiveAsync(uuid, "me", async (stream, c) =>
        {
            await stream.WriteAsync(new byte[5000], c);
            throw new EndOfStreamException();
        }, default));
        Assert.Equal((ImageStatuses.Queued, null, null), await StateAsync(uuid));
        Assert.Empty(Directory.GetFiles(_folder));
        Assert.Equal(ImageStatuses.Active, (await store.ReceiveAsync(uuid, "me", (_, _) => Task.CompletedTask, default)).Status);
    }

    [Fact]
    public async Task What_a_dead_process_left_is_no_image_and_is_cleared_away()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        var never = new TaskCompletionSource();
        var begun = new TaskCompletionSource();

        // The first process is never heard of again: its writer hangs for ever.
        var hanging = store.ReceiveAsync(uuid, "first", async (stream, c) =>
        {
            await stream.WriteAsync(new byte[5000], c);
            await stream.FlushAsync(c);
            begun.SetResult();
            await never.Task;
        }, default);
        await begun.Task;
        Assert.Single(Directory.GetFiles(_folder));

        // While it may be alive nobody else gets in, and nothing is cleared away.
        var other = Store();
        await Assert.ThrowsAsync<ImageStateException>(() => other.ReceiveAsync(uuid, "second", (_, _) => Task.CompletedTask, default));
        Assert.Equal(0, await other.SweepAsync(default));

        // Its lease has run out as far as the store knows.
        await Images.UpdateAsync(uuid, i => i with { Upload = i.Upload! with { ExpiresAt = _time.GetUtcNow().UtcDateTime } }, default);
        Assert.Equal(1, await other.SweepAsync(default));
        Assert.Equal((ImageStatuses.Queued, null, null), await StateAsync(uuid));
        var image = await other.ReceiveAsync(uuid, "second", async (stream, c) => await stream.WriteAsync(new byte[] { 1, 2, 3 }, c), default);

        // It was not dead after all: it changes nothing any more.
        never.SetResult();
        await Assert.ThrowsAsync<ImageNotFoundException>(() => hanging);
        Assert.Equal((ImageStatuses.Active, image.Location, null), await StateAsync(uuid));
        Assert.Equal([1, 2, 3], await File.ReadAllBytesAsync(Path.Combine(_folder, image.Location!)));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task The_same_work_takes_its_own_upload_over_when_it_runs_twice()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        await Images.UpdateAsync(
            uuid, i => i with { Status = ImageStatuses.Saving, Upload = new ImageUpload(Guid.NewGuid().ToString("N"), "server 1's snapshot", "dead", _time.GetUtcNow().UtcDateTime.AddMinutes(1)) }, default);
        Assert.Equal(ImageStatuses.Active, (await store.ReceiveAsync(uuid, "server 1's snapshot", (_, _) => Task.CompletedTask, default)).Status);
    }

    [Fact]
    public async Task A_process_that_starts_again_lets_go_of_what_it_held()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        await Images.UpdateAsync(
            uuid, i => i with { Status = ImageStatuses.Saving, Upload = new ImageUpload("x", "o", ProcessIdentity.OnlyOne.Id, _time.GetUtcNow().UtcDateTime.AddMinutes(1)) }, default);
        await store.ReleaseOwnAsync(default);
        Assert.Equal((ImageStatuses.Queued, null, null), await StateAsync(uuid));
    }

    [Fact]
    public async Task An_image_deleted_during_its_upload_stays_deleted()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        await Assert.ThrowsAsync<ImageNotFoundException>(() => store.ReceiveAsync(uuid, "me", async (stream, c) =>
        {
            await stream.WriteAsync(new byte[10], c);
            Assert.True(await store.DeleteAsync((await Images.GetAsync(uuid, c))!, c));
        }, default));
        Assert.Null(await Images.GetAsync(uuid, default));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task More_bytes_than_allowed_or_of_another_format_are_refused()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        await Assert.ThrowsAsync<ImageTooLargeException>(() => store.ReceiveAsync(uuid, "me", async (stream, c) => await stream.WriteAsync(new byte[(1 << 20) + 1], c), default));
        var vhd = await CreateAsync(store, "vhd");
        await Assert.ThrowsAsync<InvalidImageException>(() => store.ReceiveAsync(vhd, "me", async (stream, c) => await stream.WriteAsync(new byte[10], c), default));
        Assert.Empty(Directory.GetFiles(_folder));
        Assert.Equal((ImageStatuses.Queued, null, null), await StateAsync(vhd));
    }

    [Fact]
    public async Task Deleting_takes_the_file_along_but_never_one_of_the_configuration()
    {
        var store = Store();
        var uuid = await CreateAsync(store);
        var image = await store.ReceiveAsync(uuid, "me", (_, _) => Task.CompletedTask, default);
        Assert.True(await store.DeleteAsync(image, default));
        Assert.Empty(Directory.GetFiles(_folder));

        var seed = Path.Combine(_folder, "seed.vhd");
        await File.WriteAllBytesAsync(seed, [1]);
        var seeded = await Images.InsertAsync(new ImageDocument { Key = "s", Uuid = "s", Name = "s", DiskFormat = "vhd", Location = seed, Size = 1 }, default);
        Assert.True(await store.DeleteAsync(seeded, default));
        Assert.Equal(0, await store.SweepAsync(default));
        Assert.True(File.Exists(seed));
    }

    private ImageStoreOptions Options => new() { Path = _folder, MaxBytes = 1 << 20 };

    private ImageStore Store() => new(_documents, Options, [new NoVhd()], ProcessIdentity.OnlyOne, _time, NullLogger<ImageStore>.Instance);

    private static async Task<string> CreateAsync(ImageStore store, string format = "raw")
    {
        var uuid = Guid.NewGuid().ToString();
        await store.CreateAsync(new ImageDocument { Key = uuid, Uuid = uuid, Name = "i", DiskFormat = format, Location = null, ProjectId = "p" }, default);
        return uuid;
    }

    private async Task<(string Status, string? Location, ImageUpload? Upload)> StateAsync(string uuid) =>
        await Images.GetAsync(uuid, default) is { } image ? (image.Status, image.Location, image.Upload) : throw new KeyNotFoundException(uuid);

    private sealed class NoVhd : IImageFormat
    {
        public string DiskFormat => "vhd";

        public long VirtualSizeOf(string file, CancellationToken cancellation) => throw new InvalidImageException("never");
    }
}
