using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Tests.Servers;

/// <summary>Which of a server's backups are kept.</summary>
public sealed class BackupRotationTests : IAsyncLifetime, IDisposable
{
    private readonly HandDriven _plane = new();
    private InstanceDocument _server = null!;

    private IEnumerable<string> Names => _plane.Store.All<ImageDocument>().Where(i => i.Uuid != HandDriven.ImageId).Select(i => i.Name);

    public async Task InitializeAsync() => _server = await _plane.BootedAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _plane.Dispose();

    [Fact]
    public async Task The_newest_of_a_type_are_kept()
    {
        await BackUpAsync("d1", "daily", 2);
        await BackUpAsync("w1", "weekly", 2);
        await BackUpAsync("d2", "daily", 2);
        await BackUpAsync("d3", "daily", 2);
        await ImageAsync("i", new Dictionary<string, string>());

        Assert.Equal(["w1", "d2", "d3", "i"], Names);
        Assert.Equal(4, _plane.ImageFiles.Count);
    }

    [Fact]
    public async Task What_is_no_backup_of_the_type_any_more_is_left_alone()
    {
        foreach (var name in new[] { "without type", "without anything", "protected", "old" })
        {
            await BackUpAsync(name, "daily", 9);
        }

        await ChangeAsync("without type", i => i with { Metadata = WithoutType(i) });
        await ChangeAsync("without anything", i => i with { Metadata = new Dictionary<string, string>() });
        await ChangeAsync("protected", i => i with { Protected = true });
        await ImageAsync("image", new Dictionary<string, string> { [SnapshotProperties.BackupType] = "daily" });

        await BackUpAsync("new", "daily", 1);
        Assert.Equal(["without type", "without anything", "protected", "image", "new"], Names);
        Assert.Equal(5, _plane.ImageFiles.Count);
    }

    [Fact]
    public async Task A_backup_may_lose_its_type_before_it_is_there()
    {
        await BackUpAsync("old", "daily", 9);
        await BeginAsync("new", "daily", 0);
        await ChangeAsync("new", i => i with { Metadata = WithoutType(i) });
        await _plane.SettleAsync();

        Assert.Equal(["new"], Names);
        await AssertIdleAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_host_that_dies_at_any_write_of_a_rotation_finishes_it_when_it_is_back(int rotation)
    {
        var deaths = 0;
        for (var write = 1; ; write++, deaths++)
        {
            await BackUpAsync("a", "daily", 9);
            await BackUpAsync("b", "daily", 9);
            await BeginAsync("c", "daily", rotation);
            var host = (await _plane.ServerAsync(_server.Uuid)).Host!;
            _plane.ViewOf(host).DiesAfterWrites = write;
            await _plane.SettleAsync();
            var survived = _plane.IsAlive(host);
            _plane.Kill(host);
            _plane.Start(host);
            _plane.Time.Advance(TimeSpan.FromSeconds(20));
            await _plane.SettleAsync();

            Assert.Equal(rotation == 0 ? [] : ["c"], Names);
            await AssertIdleAsync();
            await _plane.SweepImagesAsync();
            Assert.Equal(rotation, _plane.ImageFiles.Count);
            if (survived)
            {
                break;
            }

            await BackUpAsync("none", "daily", 0);
        }

        Assert.True(deaths >= 5, $"it died {deaths} times only");
    }

    private async Task BeginAsync(string name, string type, int rotation)
    {
        _plane.Time.Advance(TimeSpan.FromMinutes(1));
        await _plane.Snapshots.CreateBackupAsync(await _plane.ServerAsync(_server.Uuid), name, type, rotation, new Dictionary<string, string>(), TestCloud.NewContext(), default);
    }

    private async Task BackUpAsync(string name, string type, int rotation)
    {
        await BeginAsync(name, type, rotation);
        await _plane.SettleAsync();
    }

    private async Task ImageAsync(string name, IReadOnlyDictionary<string, string> metadata)
    {
        _plane.Time.Advance(TimeSpan.FromMinutes(1));
        await _plane.Snapshots.CreateImageAsync(await _plane.ServerAsync(_server.Uuid), name, metadata, TestCloud.NewContext(), default);
        await _plane.SettleAsync();
    }

    private async Task ChangeAsync(string name, Func<ImageDocument, ImageDocument> change) =>
        Assert.NotNull(await _plane.Outside.Collection<ImageDocument>().UpdateAsync(_plane.Store.All<ImageDocument>().Single(i => i.Name == name).Uuid, change, default));

    private static Dictionary<string, string> WithoutType(ImageDocument image) => image.Metadata.Where(p => p.Key != SnapshotProperties.BackupType).ToDictionary();

    private async Task AssertIdleAsync()
    {
        var now = await _plane.ServerAsync(_server.Uuid);
        Assert.Equal((VmStates.Active, null, null, null), (now.VmState, now.TaskState, now.Work, now.Fault));
    }
}
