using NovaShim.Vhd;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Tests.Storage;

public sealed class GarbageCollectionTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task A_hidden_file_nobody_stands_on_is_deleted_and_what_it_stood_on_after_it()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never, o => o with { Coalesce = false, LeafCoalesce = false });
        string leaf = await sr.CreateAsync();
        string keeper = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 0, 4096, 1);
        SnapshotFacts first = await sr.SnapshotAsync(leaf);
        await sr.WriteAsync(leaf, 0, 4096, 2);
        SnapshotFacts second = await sr.SnapshotAsync(leaf);

        await sr.OpenAgainAsync(o => o with { CoalesceDelay = TimeSpan.Zero });
        foreach (string uuid in new[] { first.SnapshotUuid, second.SnapshotUuid, leaf })
        {
            await sr.Repository.DestroyAsync(uuid, CancellationToken.None);
        }

        await HostFolder.UntilAsync(() => sr.Files().Length == 1, "only the other disk is left");
        Assert.Equal([keeper], sr.Files());
        await HostFolder.UntilAsync(() => sr.Changes.Count == 2, "both were told of");
        Assert.Equal([new StorageChange.Forgotten(second.BaseCopyUuid!), new StorageChange.Forgotten(first.BaseCopyUuid!)], sr.Changes);
    }

    [Fact]
    public async Task A_base_that_is_its_parent_s_only_child_is_merged_and_its_children_move_up()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 0, 3 * MiB, 1);
        SnapshotFacts first = await sr.SnapshotAsync(leaf);
        await sr.WriteAsync(leaf, MiB, 4096, 2);
        await sr.Repository.DestroyAsync(first.SnapshotUuid, CancellationToken.None);
        await sr.Repository.ResizeAsync(leaf, 32 * MiB, CancellationToken.None);
        await sr.WriteAsync(leaf, 31 * MiB, 4096, 3);
        SnapshotFacts second = await sr.SnapshotAsync(leaf);
        await sr.WriteAsync(leaf, 5 * MiB, 4096, 4);
        (string ofLeaf, string ofSnapshot) = (sr.ContentOf(leaf), sr.ContentOf(second.SnapshotUuid));

        await sr.OpenAgainAsync(o => o with { CoalesceDelay = TimeSpan.Zero });
        await HostFolder.UntilAsync(() => sr.Changes.Count == 3, "the base is merged");

        Assert.Equal([.. new[] { leaf, second.SnapshotUuid, first.BaseCopyUuid! }.Order()], sr.Files());
        Assert.Equal(first.BaseCopyUuid, (await sr.FactsAsync(leaf)).ParentUuid);
        Assert.Equal(first.BaseCopyUuid, (await sr.FactsAsync(second.SnapshotUuid)).ParentUuid);
        Assert.Equal(32 * MiB, (await sr.FactsAsync(first.BaseCopyUuid!)).VirtualSize);
        Assert.Equal((ofLeaf, ofSnapshot), (sr.ContentOf(leaf), sr.ContentOf(second.SnapshotUuid)));
        Assert.Contains(new StorageChange.Reparented(leaf, first.BaseCopyUuid), sr.Changes);
        Assert.Contains(new StorageChange.Reparented(second.SnapshotUuid, first.BaseCopyUuid), sr.Changes);
        Assert.Equal(new StorageChange.Forgotten(second.BaseCopyUuid!), sr.Changes.Last());
    }

    [Fact]
    public async Task A_small_leaf_that_is_its_parent_s_only_child_takes_the_parent_s_place_and_a_big_one_does_not()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never, o => o with { LeafCoalesceLimit = 3 * MiB });
        string small = await sr.CreateAsync(), big = await sr.CreateAsync();
        foreach (string uuid in new[] { small, big })
        {
            await sr.WriteAsync(uuid, 0, 6 * MiB, 1);
            SnapshotFacts snapshot = await sr.SnapshotAsync(uuid);
            await sr.WriteAsync(uuid, MiB, uuid == small ? 4096 : 4 * MiB, 2);
            await sr.Repository.DestroyAsync(snapshot.SnapshotUuid, CancellationToken.None);
        }

        string parent = (await sr.FactsAsync(small)).ParentUuid!;
        string ofSmall = sr.ContentOf(small);
        await sr.OpenAgainAsync(o => o with { CoalesceDelay = TimeSpan.Zero });
        await HostFolder.UntilAsync(() => sr.Changes.Count == 2, "the small leaf is merged");

        Assert.Equal([new StorageChange.Reparented(small, null), new StorageChange.Forgotten(parent)], sr.Changes);
        VhdFacts facts = await sr.FactsAsync(small);
        Assert.Equal((false, (string?)null), (facts.Hidden, facts.ParentUuid));
        Assert.Equal(ofSmall, sr.ContentOf(small));
        Assert.NotNull((await sr.FactsAsync(big)).ParentUuid);
        Assert.Equal(3, sr.Files().Length);
    }

    [Fact]
    public async Task A_missing_parent_stops_the_collection_and_nothing_is_deleted()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);
        string garbage = await sr.CreateAsync();
        using (VhdFile file = VhdFile.Open(sr.PathOf(garbage), VhdAccess.ReadWrite))
        {
            file.SetHidden(true);
        }

        File.Move(sr.PathOf(snapshot.BaseCopyUuid!), Path.Combine(sr.Directory, "aside"));
        Logged log = new();
        await using (StorageRepository repository = await StorageRepository.OpenAsync(
            sr.Directory, new StorageOptions { CoalesceDelay = TimeSpan.Zero }, TimeProvider.System, log, CancellationToken.None))
        {
            await HostFolder.UntilAsync(() => log.Errors.Any(e => e.Contains(snapshot.BaseCopyUuid!, StringComparison.Ordinal)), "the missing parent is reported");
            Assert.Equal([.. new[] { leaf, snapshot.SnapshotUuid, garbage }.Order()], sr.Files());

            // Whole again, the next kick does its work.
            File.Move(Path.Combine(sr.Directory, "aside"), sr.PathOf(snapshot.BaseCopyUuid!));
            await repository.ScanAsync(CancellationToken.None);
            await HostFolder.UntilAsync(() => !sr.Files().Contains(garbage), "the garbage goes");
        }
    }

    [Fact]
    public async Task A_chain_moved_in_cow_first_survives_and_a_base_alone_does_not()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 0, 4096, 1);
        SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);
        await sr.WriteAsync(leaf, MiB, 4096, 2);
        string content = sr.ContentOf(leaf);
        await using StorageFixture other = await StorageFixture.OpenAsync(TimeSpan.Zero, o => o with { LeafCoalesce = false });

        File.Copy(sr.PathOf(leaf), other.PathOf(leaf));
        File.Copy(sr.PathOf(snapshot.BaseCopyUuid!), other.PathOf(snapshot.BaseCopyUuid!));
        string alone = StorageFixture.NewUuid();
        File.Copy(sr.PathOf(snapshot.BaseCopyUuid!), other.PathOf(alone));
        IReadOnlyList<VhdFacts> seen = await other.Repository.ScanAsync(CancellationToken.None);

        Assert.DoesNotContain(seen, facts => facts.Uuid == alone);
        await HostFolder.UntilAsync(() => !other.Files().Contains(alone), "the lone base is collected");
        Assert.Equal(content, other.ContentOf(leaf));
    }
}
