using Microsoft.Data.Sqlite;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Documents.Embedded;
using NovaShim.Compute.Servers;
using NovaShim.Contracts.Tests.Servers;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>What becomes of the embedded store's file.</summary>
public sealed class EmbeddedFileTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder folder = new();

    private string File => folder.File("sub/novashim.db");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_reopened_store_has_what_was_written()
    {
        InstanceDocument stored;
        await using (var first = await OpenAsync())
        {
            var instances = first.Collection<InstanceDocument>();
            stored = (await instances.ReplaceAsync((await instances.InsertAsync(Samples.Instance("a") with { Work = Samples.Work("xen1") }, None)) with { Progress = 5 }, None))!;
            Assert.True(await instances.DeleteAsync(await instances.InsertAsync(Samples.Instance("gone"), None), None));
        }

        await using var second = await OpenAsync();
        Assert.Equivalent(stored, Assert.Single(await second.Collection<InstanceDocument>().WhereAsync(_ => true, None)), strict: true);
        await Assert.ThrowsAsync<DuplicateKeyException>(() => second.Collection<InstanceDocument>().InsertAsync(Samples.Instance() with { Id = stored.Id }, None));
        Assert.Null(await second.Collection<InstanceDocument>().ReplaceAsync(stored with { Revision = 1 }, None));
        Assert.NotNull(await second.Collection<InstanceDocument>().ReplaceAsync(stored, None));
    }

    [Fact]
    public async Task At_any_moment_the_file_holds_all_that_was_acknowledged()
    {
        await using var store = await OpenAsync();
        var instances = store.Collection<InstanceDocument>();
        var acknowledged = 0;
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await instances.InsertAsync(Samples.Instance(), None);
                Interlocked.Increment(ref acknowledged);
            }
        })).ToArray();

        for (var crash = 0; crash < 5; crash++)
        {
            var wanted = Volatile.Read(ref acknowledged) + 200;
            await Eventually.TrueAsync(() => Volatile.Read(ref acknowledged) >= wanted);

            // What a process that dies now would leave behind. The log is copied last: it may have more than was acknowledged by then, never less.
            var promised = Volatile.Read(ref acknowledged);
            var image = folder.File($"crash{crash}.db");
            System.IO.File.Copy(File, image);
            System.IO.File.Copy(File + "-wal", image + "-wal");
            await using var survivor = new EmbeddedDocumentStore(image, TimeProvider.System);
            await survivor.InitializeAsync(None);
            Assert.InRange(await survivor.Collection<InstanceDocument>().CountAsync(_ => true, None), promised, int.MaxValue);
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task A_second_process_is_told_who_has_the_store()
    {
        await using (await OpenAsync())
        {
            var refused = await Assert.ThrowsAsync<DocumentStoreException>(OpenAsync);
            Assert.Contains($"in use by another process with the id {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        }

        await using var freed = await OpenAsync();
    }

    [Fact]
    public async Task A_file_from_before_a_unique_index_gets_it()
    {
        var before = Specimen.Kind with { Indexes = [] };
        await using (var old = await OpenAsync(before))
        {
            await old.Collection<Specimen>().InsertAsync(new Specimen { Key = "a", Serial = "s", Part = new Part(1, "x") }, None);
            await old.Collection<Specimen>().InsertAsync(new Specimen { Key = "b" }, None);
        }

        await using (var now = await OpenAsync(Specimen.Kind))
        {
            Assert.Equal("specimens_serial", (await Assert.ThrowsAsync<DuplicateKeyException>(() => now.Collection<Specimen>().InsertAsync(
                new Specimen { Key = "c", Serial = "s", Part = new Part(1, "y") }, None))).Index);
        }

        await using (var again = await OpenAsync(before))
        {
            Assert.Equal(2, await again.Collection<Specimen>().CountAsync(_ => true, None));
        }
    }

    [Fact]
    public async Task A_file_that_is_none_or_from_the_future_or_unreadable_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        await System.IO.File.WriteAllTextAsync(File, new string('x', 8192));
        await Assert.ThrowsAsync<DocumentStoreException>(OpenAsync);
        Assert.Equal(new string('x', 8192), await System.IO.File.ReadAllTextAsync(File));
        System.IO.File.Delete(File);

        await using (var store = await OpenAsync())
        {
            await store.Collection<InstanceDocument>().InsertAsync(Samples.Instance() with { Key = "broken" }, None);
        }

        Run("UPDATE instances SET body = '{}'");
        Assert.Contains("'broken'", (await Assert.ThrowsAsync<DocumentStoreException>(OpenAsync)).Message, StringComparison.Ordinal);
        Run("PRAGMA user_version = 99");
        Assert.Contains("newer", (await Assert.ThrowsAsync<DocumentStoreException>(OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_not_open_says_so()
    {
        var store = new EmbeddedDocumentStore(File, TimeProvider.System);
        await Assert.ThrowsAsync<DocumentStoreException>(() => store.PingAsync(None));
        await Assert.ThrowsAsync<DocumentStoreException>(() => store.Collection<InstanceDocument>().InsertAsync(Samples.Instance(), None));
        await store.InitializeAsync(None);
        await store.DisposeAsync();
        await Assert.ThrowsAsync<DocumentStoreException>(() => store.Collection<InstanceDocument>().InsertAsync(Samples.Instance(), None));
        await Assert.ThrowsAsync<DocumentStoreException>(() => store.PingAsync(None));
    }

    private Task<EmbeddedDocumentStore> OpenAsync() => OpenAsync(null);

    private async Task<EmbeddedDocumentStore> OpenAsync(DocumentKind? kind)
    {
        var store = new EmbeddedDocumentStore(File, TimeProvider.System, kind is null ? null : [kind]);
        await store.InitializeAsync(None);
        return store;
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The test's own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
