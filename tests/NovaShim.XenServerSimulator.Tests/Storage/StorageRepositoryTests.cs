using NovaShim.Vhd;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Tests.Storage;

public sealed class StorageRepositoryTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task A_disk_is_a_dynamic_vhd_rounded_up_to_two_mebibytes()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string uuid = await sr.CreateAsync(10 * MiB - 1);

        VhdFacts facts = await sr.FactsAsync(uuid);

        Assert.Equal(new VhdFacts(uuid, 10 * MiB, new FileInfo(sr.PathOf(uuid)).Length, null, false), facts);
        Assert.Equal([facts], await sr.Repository.ScanAsync(CancellationToken.None));
        Assert.Equal(StorageError.VdiExists, await NumberOf(() => sr.Repository.CreateAsync(uuid, MiB, CancellationToken.None)));
        Assert.Equal(StorageError.VdiSize, await NumberOf(() => sr.Repository.CreateAsync(StorageFixture.NewUuid(), 0, CancellationToken.None)));
        Assert.Equal(StorageError.VdiSize, await NumberOf(() => sr.Repository.CreateAsync(StorageFixture.NewUuid(), (2040L << 30) + 1, CancellationToken.None)));
        Assert.Null(await sr.Repository.FindAsync(StorageFixture.NewUuid(), CancellationToken.None));
        Assert.Equal(StorageError.VdiMissing, await NumberOf(() => sr.Repository.FindAsync("../" + uuid, CancellationToken.None)));
    }

    [Fact]
    public async Task A_snapshot_makes_the_leaf_a_hidden_base_of_two_new_children()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 3 * MiB, 8192, 0xAB);
        string before = sr.ContentOf(leaf);
        Guid footer;
        using (VhdFile file = VhdFile.Open(sr.PathOf(leaf)))
        {
            footer = file.Uuid;
        }

        SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);

        Assert.Null(snapshot.ParentOfBase);
        Assert.Equal([.. new[] { leaf, snapshot.BaseCopyUuid!, snapshot.SnapshotUuid }.Order()], sr.Files());
        Assert.Equal((true, (string?)null), ((await sr.FactsAsync(snapshot.BaseCopyUuid!)).Hidden, (await sr.FactsAsync(snapshot.BaseCopyUuid!)).ParentUuid));
        Assert.Equal((false, snapshot.BaseCopyUuid), ((await sr.FactsAsync(snapshot.SnapshotUuid)).Hidden, (await sr.FactsAsync(snapshot.SnapshotUuid)).ParentUuid));
        Assert.Equal(await sr.FactsAsync(leaf), snapshot.Leaf);
        Assert.Equal(snapshot.BaseCopyUuid, snapshot.Leaf.ParentUuid);
        using (VhdFile file = VhdFile.Open(sr.PathOf(snapshot.BaseCopyUuid!)))
        {
            // The base is the very file the leaf was.
            Assert.Equal(footer, file.Uuid);
        }

        await sr.WriteAsync(leaf, 0, 4096, 0xCD);
        Assert.Equal(before, sr.ContentOf(snapshot.SnapshotUuid));
        Assert.NotEqual(before, sr.ContentOf(leaf));
    }

    [Fact]
    public async Task A_leaf_that_holds_nothing_gets_no_base_of_its_own_but_an_empty_root_does()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();

        SnapshotFacts first = await sr.SnapshotAsync(leaf);
        SnapshotFacts second = await sr.SnapshotAsync(leaf);

        Assert.NotNull(first.BaseCopyUuid);
        Assert.Null(second.BaseCopyUuid);
        Assert.Equal(first.BaseCopyUuid, (await sr.FactsAsync(second.SnapshotUuid)).ParentUuid);
        Assert.Equal(4, sr.Files().Length);
    }

    [Fact]
    public async Task The_thirty_first_file_of_a_chain_is_refused()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        for (int depth = 1; depth < 30; depth++)
        {
            await sr.WriteAsync(leaf, 0, 512, (byte)depth);
            await sr.SnapshotAsync(leaf);
        }

        await sr.WriteAsync(leaf, 0, 512, 99);
        Assert.Equal(StorageError.ChainTooLong, await NumberOf(() => sr.SnapshotAsync(leaf)));
    }

    [Fact]
    public async Task A_scan_fails_whole_on_a_broken_file_and_names_it()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        await sr.CreateAsync();
        await File.WriteAllBytesAsync(sr.PathOf("broken"), new byte[4096]);

        StorageException error = await Assert.ThrowsAsync<StorageException>(() => sr.Repository.ScanAsync(CancellationToken.None));

        Assert.Equal(StorageError.ScanFailed, error.Number);
        Assert.Contains("broken.vhd", error.OptErr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scan_sees_what_was_moved_in_but_not_sub_directories_nor_hidden_leaves_and_bears_a_missing_parent()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 0, 4096, 1);
        SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);
        string staging = Path.Combine(sr.Directory, "tmp");
        Directory.CreateDirectory(staging);
        File.Move(sr.PathOf(snapshot.BaseCopyUuid!), Path.Combine(staging, snapshot.BaseCopyUuid + ".vhd"));
        string hidden = await sr.CreateAsync();
        using (VhdFile file = VhdFile.Open(sr.PathOf(hidden), VhdAccess.ReadWrite))
        {
            file.SetHidden(true);
        }

        IReadOnlyList<VhdFacts> seen = await sr.Repository.ScanAsync(CancellationToken.None);

        Assert.Equal([.. new[] { leaf, snapshot.SnapshotUuid }.Order()], seen.Select(facts => facts.Uuid).Order());
        Assert.All(seen, facts => Assert.Equal(snapshot.BaseCopyUuid, facts.ParentUuid));
        Assert.Equal(StorageError.VdiUnavailable, await NumberOf(() => sr.Repository.AttachAsync(leaf, false, CancellationToken.None)));
    }

    [Fact]
    public async Task Only_a_detached_disk_without_children_is_destroyed()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);

        Assert.Equal(StorageError.VdiDelete, await NumberOf(() => sr.Repository.DestroyAsync(snapshot.BaseCopyUuid!, CancellationToken.None)));
        await using (await sr.Repository.AttachAsync(leaf, true, CancellationToken.None))
        {
            Assert.True(sr.Repository.IsAttached(leaf));
            Assert.Equal(StorageError.VdiInUse, await NumberOf(() => sr.Repository.DestroyAsync(leaf, CancellationToken.None)));
            Assert.Equal(StorageError.VdiInUse, await NumberOf(() => sr.Repository.AttachAsync(leaf, false, CancellationToken.None)));
            await using Disk another = await sr.Repository.AttachAsync(leaf, true, CancellationToken.None);
        }

        Assert.False(sr.Repository.IsAttached(leaf));
        await sr.Repository.DestroyAsync(leaf, CancellationToken.None);
        Assert.DoesNotContain(leaf, sr.Files());
        Assert.Equal(StorageError.VdiMissing, await NumberOf(() => sr.Repository.DestroyAsync(leaf, CancellationToken.None)));
    }

    [Fact]
    public async Task A_disk_only_grows_and_only_detached()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync(8 * MiB);
        await sr.WriteAsync(leaf, 0, 4096, 5);
        await sr.SnapshotAsync(leaf);
        await sr.WriteAsync(leaf, 4 * MiB, 4096, 6);

        Assert.Equal(16 * MiB, (await sr.Repository.ResizeAsync(leaf, 15 * MiB, CancellationToken.None)).VirtualSize);
        Assert.Equal(16 * MiB, (await sr.Repository.ResizeAsync(leaf, 16 * MiB, CancellationToken.None)).VirtualSize);
        Assert.Equal(StorageError.VdiSize, await NumberOf(() => sr.Repository.ResizeAsync(leaf, 8 * MiB, CancellationToken.None)));
        await using Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None);
        Assert.Equal(16 * MiB, disk.VirtualSize);
        Assert.Equal(StorageError.VdiInUse, await NumberOf(() => sr.Repository.ResizeAsync(leaf, 32 * MiB, CancellationToken.None)));
        byte[] data = new byte[2];
        await disk.ReadAsync(0, data.AsMemory(0, 1), CancellationToken.None);
        await disk.ReadAsync(4 * MiB, data.AsMemory(1, 1), CancellationToken.None);
        Assert.Equal([5, 6], data);
    }

    [Fact]
    public async Task An_attached_leaf_looks_as_tapdisk_leaves_it_and_is_whole_again_when_detached()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            await disk.WriteAsync(MiB, new byte[4096], CancellationToken.None);
            Assert.All((await File.ReadAllBytesAsync(sr.PathOf(leaf)))[^512..], value => Assert.Equal(0xC7, value));
            Assert.Single(await sr.Repository.ScanAsync(CancellationToken.None));
        }

        byte[] file = await File.ReadAllBytesAsync(sr.PathOf(leaf));
        Assert.Equal(file[..512], file[^512..]);
    }

    [Fact]
    public async Task A_full_file_system_shows_as_error_28_under_the_operation_s_number_and_leaves_the_chain_as_it_was()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        using HostFolder folder = new();
        await HostFolder.SucceedAsync("/usr/bin/mount", "-t", "tmpfs", "-o", "size=3m", "none", folder.Path);
        try
        {
            await using StorageRepository full = await StorageFixture.OpenAsync(folder.Path, new StorageOptions { CoalesceDelay = StorageFixture.Never });
            string leaf = StorageFixture.NewUuid();
            await full.CreateAsync(leaf, 16 * MiB, CancellationToken.None);
            await using (Disk disk = await full.AttachAsync(leaf, false, CancellationToken.None))
            {
                await disk.WriteAsync(0, Enumerable.Repeat((byte)7, 4096).ToArray(), CancellationToken.None);
            }

            string before = StorageFixture.ContentAt(folder[leaf + ".vhd"]);
            FillUp(folder["filler"]);
            StorageException create = await Assert.ThrowsAsync<StorageException>(() => full.CreateAsync(StorageFixture.NewUuid(), 16 * MiB, CancellationToken.None));
            StorageException snapshot = await Assert.ThrowsAsync<StorageException>(() => full.SnapshotAsync(leaf, CancellationToken.None));

            Assert.Equal((StorageError.VdiCreate, "error 28"), (create.Number, create.OptErr));
            Assert.Equal((StorageError.CloneFailed, "error 28"), (snapshot.Number, snapshot.OptErr));
            Assert.Equal([folder[leaf + ".vhd"]], Directory.GetFiles(folder.Path, "*.vhd*"));
            Assert.Equal(before, StorageFixture.ContentAt(folder[leaf + ".vhd"]));
            Assert.False((await full.FindAsync(leaf, CancellationToken.None))!.Hidden);
        }
        finally
        {
            await HostFolder.SucceedAsync("/usr/bin/umount", folder.Path);
        }
    }

    private static void FillUp(string file)
    {
        using FileStream stream = new(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                stream.Write(new byte[4096]);
            }
        }
        catch (IOException)
        {
            // Full, which is what was wanted.
        }
    }

    private static async Task<int> NumberOf(Func<Task> refused) => (await Assert.ThrowsAsync<StorageException>(refused)).Number;
}
