using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Images;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests.Images;

/// <summary>Images of an external Glance, played here by a second face's Image API; <c>compat/glance</c> has the real one.</summary>
public sealed class ExternalImageTests : IAsyncLifetime
{
    private Face _cloud = null!;
    private Face _face = null!;
    private IImageLibrary _library = null!;
    private ServiceProvider _compute = null!;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("novashim-images-");

    private (string, string)[] Settings =>
    [
        ("identity:mode", "keystone"), ("identity:keystone:url", $"{_cloud.BaseUrl}/v3"), ("identity:keystone:username", "admin"), ("identity:keystone:password", "admin's secret"), ("identity:keystone:project", "admin"),
        ("images:mode", "glance"),
    ];

    public async Task InitializeAsync()
    {
        _cloud = await Face.StartAsync();
        _face = await Face.StartAsync(Settings);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(Settings.ToDictionary(s => s.Item1, s => (string?)s.Item2)).Build();
        _compute = new ServiceCollection().AddLogging().AddSingleton(TimeProvider.System).AddSingleton(_face.Store)
            .AddSingleton(new ImageStoreOptions { Path = _folder.FullName }).AddSingleton<ImageCache>().AddExternalImages(configuration).BuildServiceProvider();
        _library = _compute.GetRequiredService<IImageLibrary>();
    }

    public async Task DisposeAsync()
    {
        await _compute.DisposeAsync();
        await _face.DisposeAsync();
        await _cloud.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Compute_shows_what_the_user_sees_there()
    {
        var id = await UploadAsync("alice", "mine", "some bytes");
        var (alice, bob) = (await TokenAsync("alice"), await TokenAsync("bob"));

        var shown = await _face.SendAsync(null, "GET", $"/v2.1/images/{id}", null, alice);
        Assert.Equal((200, "mine", "ACTIVE"), (shown.Status, (string?)shown.Json!["image"]!["name"], (string?)shown.Json["image"]!["status"]));
        Assert.Contains($"{_cloud.BaseUrl}/image/v2/images/{id}", shown.Text, StringComparison.Ordinal);
        Assert.Equal(404, (await _face.SendAsync(null, "GET", $"/v2.1/images/{id}", null, bob)).Status);
        Assert.Contains(id, Ids(await _face.SendAsync(null, "GET", "/v2.1/images?name=mine", null, alice)));
        Assert.Empty(Ids(await _face.SendAsync(null, "GET", "/v2.1/images?name=mine", null, bob)));

        Assert.Equal(404, (await _face.SendAsync(null, "GET", "/image/v2/images", null, alice)).Status);
    }

    [Fact]
    public async Task Metadata_and_deletion_go_there_with_the_users_right()
    {
        var id = await UploadAsync("alice", "mine", "some bytes");
        var (alice, bob) = (await TokenAsync("alice"), await TokenAsync("bob"));
        const string Metadata = """{"metadata": {"a/b~": "1"}}""";
        const string Plain = """{"metadata": {"a": "1"}}""";

        Assert.Equal(404, (await _face.SendAsync(null, "POST", $"/v2.1/images/{id}/metadata", Plain, bob)).Status);
        Assert.Equal(200, (await _face.SendAsync(null, "POST", $"/v1.1/{_cloud.ProjectIdOf("alice")}/images/{id}/metadata", Metadata, alice)).Status);
        Assert.Equal("1", (string?)(await _cloud.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Json!["a/b~"]);
        Assert.Equal(403, (await _face.SendAsync(null, "DELETE", $"/v2.1/images/{Face.ImageId}", null, alice)).Status);
        Assert.Equal(404, (await _face.SendAsync(null, "DELETE", $"/v2.1/images/{id}", null, bob)).Status);
        Assert.Equal(204, (await _face.SendAsync(null, "DELETE", $"/v2.1/images/{id}", null, alice)).Status);
        Assert.Equal(404, (await _cloud.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Status);
    }

    [Fact]
    public async Task An_image_is_fetched_once_and_again_when_its_copy_is_gone()
    {
        var id = await UploadAsync("alice", "mine", "some bytes");
        var opened = await Task.WhenAll(_library.OpenAsync(id, default), _library.OpenAsync(id, default));
        Assert.All(opened, image => Assert.Equal(("raw", 10L), (image.DiskFormat, image.Size)));
        Assert.Equal("some bytes", await ReadAsync(opened[0]));
        var copy = Assert.Single(_folder.GetFiles());

        var cache = _compute.GetRequiredService<ImageCache>();
        Assert.Equal(0, cache.Sweep(TimeSpan.FromHours(1)));
        copy.LastWriteTimeUtc = DateTime.UtcNow.AddHours(-2);
        Assert.Equal(1, cache.Sweep(TimeSpan.FromHours(1)));
        Assert.Equal("some bytes", await ReadAsync(await _library.OpenAsync(id, default)));
    }

    [Fact]
    public async Task What_did_not_arrive_as_it_is_kept_is_no_copy()
    {
        var cache = _compute.GetRequiredService<ImageCache>();
        var image = new ImageDocument
        {
            Key = Face.ImageId, Uuid = Face.ImageId, Name = "", DiskFormat = "raw", Location = null, Size = 4, OsHashValue = Convert.ToHexStringLower(SHA512.HashData("good"u8)),
        };
        foreach (var bad in new[] { "evil", "goo", "goods" })
        {
            await Assert.ThrowsAsync<StepFailedException>(() => cache.GetAsync(image, (stream, token) => stream.WriteAsync(Encoding.UTF8.GetBytes(bad), token).AsTask(), default));
            Assert.Empty(_folder.GetFiles());
        }

        Assert.Equal("good", await ReadAsync(await cache.GetAsync(image, (stream, token) => stream.WriteAsync("good"u8.ToArray(), token).AsTask(), default)));
        var unverifiable = await Assert.ThrowsAsync<StepFailedException>(() => cache.GetAsync(image with { OsHashValue = null }, (_, _) => Task.CompletedTask, default));
        Assert.Equal(StepRecovery.Unwind, unverifiable.Recovery);
    }

    [Fact]
    public async Task A_servers_disk_becomes_an_image_there_once()
    {
        var id = await BeginAsync();
        var runs = 0;
        for (var run = 0; run < 2; run++)
        {
            await _library.ReceiveSnapshotAsync(
                id, "server",
                async (stream, token) =>
                {
                    runs++;
                    await stream.WriteAsync("disk"u8.ToArray(), token);
                    return new SnapshotInfo("raw", 4);
                },
                default);
        }

        var made = (await _cloud.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Json!;
        Assert.Equal((1, "active", "raw", 4L, _cloud.ProjectIdOf("alice")), (runs, (string?)made["status"], (string?)made["disk_format"], (long)made["size"]!, (string?)made["owner"]));
        Assert.Empty(_folder.GetFiles());
        Assert.Null(await _face.Store.Collection<ImageDocument>().GetAsync(id, default));
        Assert.Equal(id, Assert.Single(await _library.SnapshotsOfAsync(_cloud.ProjectIdOf("alice"), "server", default)).Uuid);

        // What is whole is not abandoned any more.
        await _library.AbandonAsync(id, default);
        Assert.NotNull(await _library.FindAsync(id, default));
        await _library.DeleteAsync(id, default);
        await _library.DeleteAsync(id, default);
        Assert.Null(await _library.FindAsync(id, default));
    }

    [Fact]
    public async Task What_never_became_an_image_leaves_nothing()
    {
        var id = await BeginAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => _library.ReceiveSnapshotAsync(id, "server", (_, _) => throw new InvalidOperationException("the host is gone"), default));
        Assert.Equal("queued", (string?)(await _cloud.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Json!["status"]);
        Assert.NotNull(await _face.Store.Collection<ImageDocument>().GetAsync(id, default));

        await _library.AbandonAsync(id, default);
        await _library.AbandonAsync(id, default);
        Assert.Equal(404, (await _cloud.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Status);
        Assert.Null(await _face.Store.Collection<ImageDocument>().GetAsync(id, default));
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public async Task What_a_dead_sender_has_left_is_an_image_only_if_it_is_what_was_sent()
    {
        foreach (var (left, whole) in new[] { ("disk", true), ("dis", false) })
        {
            var id = await BeginAsync();
            await UpdateAsync(id, i => i with { Size = 4, Checksum = "75688b0220ad16c4e02152b6c2b56424", OsHashValue = Convert.ToHexStringLower(SHA512.HashData("disk"u8)) });
            await GiveAsync(id, left);

            var received = _library.ReceiveSnapshotAsync(id, "server", (_, _) => throw new InvalidOperationException("it is not to be written again"), default);
            if (whole)
            {
                await received;
                Assert.NotNull(await _library.FindAsync(id, default));
                Assert.Null(await _face.Store.Collection<ImageDocument>().GetAsync(id, default));
                continue;
            }

            Assert.Equal(StepRecovery.Unwind, (await Assert.ThrowsAsync<StepFailedException>(() => received)).Recovery);
            Assert.Null(await _library.FindAsync(id, default));
        }
    }

    [Fact]
    public async Task A_snapshot_that_is_being_sent_is_noted_before()
    {
        var id = await BeginAsync();
        await Assert.ThrowsAsync<StepFailedException>(() => _library.ReceiveSnapshotAsync(
            id, "server",
            async (stream, token) =>
            {
                await stream.WriteAsync("disk"u8.ToArray(), token);

                // Its owner is faster.
                await GiveAsync(id, "other");
                return new SnapshotInfo("raw", 4);
            },
            default));
        Assert.Null((await _face.Store.Collection<ImageDocument>().GetAsync(id, default))!.OsHashValue);
        await _library.ReceiveSnapshotAsync(id, "server", (_, _) => throw new InvalidOperationException("it is not to be written again"), default);
        Assert.Equal(5, (await _library.FindAsync(id, default))!.Size);
    }

    [Fact]
    public async Task What_is_protected_stays_if_it_is_an_image_and_goes_if_it_is_none()
    {
        var (whole, half) = (await BeginAsync(), await BeginAsync());
        await GiveAsync(whole, "disk");
        foreach (var id in new[] { whole, half })
        {
            Assert.Equal(200, (await _cloud.SendAsync("alice", "PATCH", $"/image/v2/images/{id}", """[{"op": "replace", "path": "/protected", "value": true}]""", ("Content-Type", "application/openstack-images-v2.1-json-patch"))).Status);
        }

        await _library.AbandonAsync(half, default);
        Assert.Null(await _library.FindAsync(half, default));
        await _library.DeleteAsync(whole, default);
        Assert.NotNull(await _library.FindAsync(whole, default));
        Assert.Empty(await _face.Store.Collection<ImageDocument>().WhereAsync(i => i.SnapshotOf != null, default));
    }

    [Fact]
    public async Task A_withdrawn_image_is_whole()
    {
        var id = await BeginAsync();
        await GiveAsync(id, "disk");
        Assert.Equal(204, (await _cloud.SendAsync("admin", "POST", $"/image/v2/images/{id}/actions/deactivate")).Status);

        await _library.ReceiveSnapshotAsync(id, "server", (_, _) => throw new InvalidOperationException("it is not to be written again"), default);
        await _library.AbandonAsync(id, default);
        Assert.Equal(ImageStatuses.Deactivated, (await _library.FindAsync(id, default))!.Status);
    }

    [Fact]
    public async Task What_cannot_be_removed_while_Glance_is_away_is_found_again()
    {
        var id = await BeginAsync();
        await _cloud.DisposeAsync();
        _cloud = await Face.StartAsync();
        await _library.AbandonAsync(id, default);
        Assert.NotNull(await _face.Store.Collection<ImageDocument>().GetAsync(id, default));
    }

    [Theory]
    [InlineData("images:mode", "swift", "images:mode")]
    [InlineData("images:0:id", "4b8cf1c5-6f4e-4a4e-8a52-0c4c6cbd7a10", "images:0")]
    [InlineData("images:interface", "nearest", "images:interface")]
    [InlineData("images:cache_hours", "-1", "images:cache_hours")]
    [InlineData("identity:keystone:username", "", "identity:keystone:username")]
    [InlineData("identity:mode", "builtin", "identity:mode")]
    public void Wrong_settings_are_named(string key, string value, string named)
    {
        var settings = Settings.ToDictionary(s => s.Item1, s => (string?)s.Item2);
        settings[key] = value;
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        Assert.Contains(named, Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddExternalImages(configuration)).Message, StringComparison.Ordinal);
    }

    private async Task<string> BeginAsync()
    {
        var id = Guid.NewGuid().ToString();
        await _library.CreateSnapshotAsync(
            new ImageDocument
            {
                Key = id, Uuid = id, Name = "snap", DiskFormat = null, Location = null, ProjectId = _cloud.ProjectIdOf("alice"), SnapshotOf = "server", Metadata = new Dictionary<string, string> { ["instance_uuid"] = "server" },
            },
            default);
        return id;
    }

    private async Task UpdateAsync(string id, Func<ImageDocument, ImageDocument> change) => Assert.NotNull(await _face.Store.Collection<ImageDocument>().UpdateAsync(id, change, default));

    private async Task GiveAsync(string id, string bytes)
    {
        const string Formats = """[{"op": "add", "path": "/disk_format", "value": "raw"}, {"op": "add", "path": "/container_format", "value": "bare"}]""";
        Assert.Equal(200, (await _cloud.SendAsync("alice", "PATCH", $"/image/v2/images/{id}", Formats, ("Content-Type", "application/openstack-images-v2.1-json-patch"))).Status);
        Assert.Equal(204, (await _cloud.SendAsync("alice", "PUT", $"/image/v2/images/{id}/file", bytes, ("Content-Type", "application/octet-stream"))).Status);
    }

    private async Task<string> UploadAsync(string user, string name, string bytes)
    {
        var made = await _cloud.SendAsync(user, "POST", "/image/v2/images", $$"""{"name": "{{name}}", "disk_format": "raw", "container_format": "bare"}""");
        var id = (string)made.Json!["id"]!;
        Assert.Equal(204, (await _cloud.SendAsync(user, "PUT", $"/image/v2/images/{id}/file", bytes, ("Content-Type", "application/octet-stream"))).Status);
        return id;
    }

    private async Task<(string, string)> TokenAsync(string user) => ("X-Auth-Token", await _cloud.LogInAsync(user));

    private static IEnumerable<string> Ids(Reply reply) => reply.Json!["images"]!.AsArray().Select(i => (string)i!["id"]!);

    private static async Task<string> ReadAsync(Image image)
    {
        using var reader = new StreamReader(await image.OpenRead(default));
        return await reader.ReadToEndAsync();
    }
}
