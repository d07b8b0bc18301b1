using System.Reflection;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>What every document store does. Run over each implementation.</summary>
public abstract class DocumentStoreContract : IAsyncLifetime
{
    protected static readonly CancellationToken None = CancellationToken.None;

    private IDocumentStore store = null!;

    private IDocumentCollection<InstanceDocument> Instances => store.Collection<InstanceDocument>();

    private IDocumentCollection<ServiceDocument> Services => store.Collection<ServiceDocument>();

    public async Task InitializeAsync() => store = await OpenAsync([.. DocumentCatalog.Kinds, Specimen.Kind]);

    public async Task DisposeAsync() => await CloseAsync(store);

    protected abstract Task<IDocumentStore> OpenAsync(IReadOnlyList<DocumentKind> kinds);

    protected abstract Task CloseAsync(IDocumentStore opened);

    [Fact]
    public async Task An_inserted_document_is_stored_with_revision_1_and_its_moment()
    {
        var before = DateTime.UtcNow;
        var stored = await Instances.InsertAsync(Samples.Instance("a") with { Revision = 7, UpdatedAt = before }, None);

        Assert.Equal(1, stored.Revision);
        Assert.InRange(stored.CreatedAt, before.AddMilliseconds(-2), DateTime.UtcNow);
        Assert.Equal(DateTimeKind.Utc, stored.CreatedAt.Kind);
        Assert.Equal(0, stored.CreatedAt.Ticks % TimeSpan.TicksPerMillisecond);
        Assert.Null(stored.UpdatedAt);
        Assert.Equivalent(stored, await Instances.GetAsync(stored.Key, None), strict: true);
        Assert.Null(await Instances.GetAsync("nothing", None));
    }

    [Fact]
    public async Task A_taken_key_or_unique_value_is_refused_by_its_index()
    {
        var first = await Services.InsertAsync(Samples.Service("xen1"), None);
        var other = await Services.InsertAsync(Samples.Service("xen1", "nova-api"), None);

        Assert.Equal("key", (await Assert.ThrowsAsync<DuplicateKeyException>(() => Services.InsertAsync(Samples.Service("xen2") with { Key = first.Key }, None))).Index);
        Assert.Equal("services_host_binary", (await Assert.ThrowsAsync<DuplicateKeyException>(() => Services.InsertAsync(Samples.Service("xen1"), None))).Index);
        Assert.Equal("services_host_binary", (await Assert.ThrowsAsync<DuplicateKeyException>(() => Services.ReplaceAsync(other with { Binary = "nova-compute" }, None))).Index);
        Assert.Equal(1, (await Services.GetAsync(other.Key, None))!.Revision);

        Assert.True(await Services.DeleteAsync(first, None));
        Assert.NotNull(await Services.ReplaceAsync(other with { Binary = "nova-compute" }, None));
    }

    [Fact]
    public async Task A_unique_index_passes_over_documents_whose_first_value_is_null()
    {
        var specimens = store.Collection<Specimen>();
        for (var i = 0; i < 2; i++)
        {
            await specimens.InsertAsync(new Specimen { Key = $"none {i}", Part = new Part(1, "x") }, None);
        }

        await specimens.InsertAsync(new Specimen { Key = "whole", Serial = "s", Part = new Part(1, "x") }, None);
        await specimens.InsertAsync(new Specimen { Key = "no slot", Serial = "s", Part = new Part(null, "x") }, None);
        await Assert.ThrowsAsync<DuplicateKeyException>(() => specimens.InsertAsync(new Specimen { Key = "again", Serial = "s", Part = new Part(1, "y") }, None));
        await Assert.ThrowsAsync<DuplicateKeyException>(() => specimens.InsertAsync(new Specimen { Key = "no part", Serial = "s" }, None));
        Assert.Equal(4, await specimens.CountAsync(_ => true, None));
    }

    [Fact]
    public async Task Of_racing_inserts_of_one_value_one_wins()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            try
            {
                return await Services.InsertAsync(Samples.Service("xen1"), None);
            }
            catch (DuplicateKeyException)
            {
                return null;
            }
        }));
        Assert.Single(results, r => r is not null);
        Assert.Single(await Services.WhereAsync(s => s.Host == "xen1", None));
    }

    [Fact]
    public async Task Replacing_counts_the_revision_and_an_old_revision_changes_nothing()
    {
        var first = await Instances.InsertAsync(Samples.Instance("a"), None);
        var second = await Instances.ReplaceAsync(first with { DisplayName = "b" }, None);

        Assert.NotNull(second);
        Assert.Equal(2, second.Revision);
        Assert.Equal(first.CreatedAt, second.CreatedAt);
        Assert.NotNull(second.UpdatedAt);
        Assert.Null(await Instances.ReplaceAsync(first with { DisplayName = "c" }, None));
        Assert.False(await Instances.DeleteAsync(first, None));
        Assert.Equal("b", (await Instances.GetAsync(first.Key, None))!.DisplayName);

        Assert.True(await Instances.DeleteAsync(second, None));
        Assert.False(await Instances.DeleteAsync(second, None));
        Assert.Null(await Instances.ReplaceAsync(second, None));
        Assert.Null(await Instances.GetAsync(first.Key, None));
    }

    [Fact]
    public async Task Of_fifty_concurrent_replacers_exactly_one_wins_each_round()
    {
        var current = await Instances.InsertAsync(Samples.Instance(), None);
        for (var round = 0; round < 20; round++)
        {
            var seen = current;
            var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => Instances.ReplaceAsync(seen with { Progress = i }, None))));
            var winner = Assert.Single(results, r => r is not null)!;
            current = (await Instances.GetAsync(seen.Key, None))!;
            Assert.Equal(winner.Progress, current.Progress);
            Assert.Equal(seen.Revision + 1, current.Revision);
        }
    }

    [Fact]
    public async Task Work_found_due_is_claimed_by_one()
    {
        var now = new DateTime(2026, 6, 1, 0, 0, 0, DateTimeKind.Utc);
        foreach (var i in Enumerable.Range(0, 10))
        {
            await Instances.InsertAsync(Samples.Instance($"{i}") with { Work = Samples.Work("xen1") }, None);
        }

        await Instances.InsertAsync(Samples.Instance("of another") with { Work = Samples.Work("xen2") }, None);
        await Instances.InsertAsync(Samples.Instance("idle"), None);
        await Instances.InsertAsync(Samples.Instance("not yet") with { Work = Samples.Work("xen1") with { DueAt = now.AddHours(1) } }, None);

        async Task<int> Claim(string owner)
        {
            var claimed = 0;
            while (await Instances.WhereAsync(i => i.Work != null && i.Work.Actor == "xen1" && i.Work.DueAt <= now && i.Work.Lease == null, None) is { Count: > 0 } due)
            {
                foreach (var document in due)
                {
                    claimed += await Instances.ReplaceAsync(document with { Work = document.Work! with { Lease = new Lease(owner, now) } }, None) is null ? 0 : 1;
                }
            }

            return claimed;
        }

        Assert.Equal(10, (await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => Claim($"worker {i}"))))).Sum());
    }

    [Fact]
    public async Task Concurrent_updates_are_all_counted_and_sequences_never_repeat()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => store.NextIdAsync<InstanceDocument>(None))));
        Assert.Equal(Enumerable.Range(1, 40), ids.Order());
    }

    [Fact]
    public async Task Whatever_a_document_holds_comes_back()
    {
        var keys = new Dictionary<string, string>
        {
            ["os.version"] = "dots", ["$set"] = "dollar", ["a.$b.c"] = "both", ["1"] = "digit", ["0"] = "digit", ["Größe \U0001F600"] = "é", ["CamelCase"] = "x", ["%2E"] = "percent", [""] = "", ["_id"] = "id",
        };
        var document = Samples.Instance("é\U0001F600\n\"quoted\" <&>") with
        {
            Metadata = keys, PowerState = PowerState.Running, Addresses = ["10.0.0.1", "10.0.0.2"], LaunchedAt = new DateTime(2026, 2, 3, 4, 5, 6, 789, DateTimeKind.Utc), Deleted = true,
            Fault = new InstanceFault(500, "m", "", new DateTime(2011, 3, 2, 1, 0, 0, DateTimeKind.Utc)), Work = Samples.Work("xen1") with { Lease = new Lease("o", DateTime.UnixEpoch) },
        };
        await Instances.InsertAsync(document, None);
        var stored = (await Instances.GetAsync(document.Key, None))!;
        Assert.Equivalent(document with { Revision = 1, CreatedAt = stored.CreatedAt }, stored, strict: true);
        Assert.Equal(keys.OrderBy(k => k.Key, StringComparer.Ordinal), stored.Metadata.OrderBy(k => k.Key, StringComparer.Ordinal));

        var stats = new HostStats { HypervisorType = "xen", HypervisorVersion = 1, HypervisorHostname = "h", MemoryMb = 1, Vcpus = 1, LocalGb = 1 };
        var node = new ComputeNodeDocument { Key = "xen.1", Id = 1, Host = "xen.1", Driver = "fake", Stats = stats, Claims = new Dictionary<string, ResourceClaim> { ["a.b"] = new(1, 2, 3, null) } };
        await store.Collection<ComputeNodeDocument>().InsertAsync(node, None);
        Assert.Equal(new ResourceClaim(1, 2, 3, null), (await store.Collection<ComputeNodeDocument>().GetAsync("xen.1", None))!.Claims["a.b"]);

        var flavor = await store.Collection<FlavorDocument>().InsertAsync(
            new FlavorDocument { Key = "f", Id = 1, FlavorId = "x", Name = "n", MemoryMb = int.MaxValue, Vcpus = 1, RootGb = 1, RxtxFactor = 0.1 }, None);
        Assert.Equivalent(flavor, await store.Collection<FlavorDocument>().GetAsync("f", None), strict: true);
    }

    [Fact]
    public async Task Every_document_of_the_catalog_comes_back_whole()
    {
        foreach (var kind in DocumentCatalog.Kinds)
        {
            await (Task)typeof(DocumentStoreContract).GetMethod(nameof(ComesBackWhole), BindingFlags.NonPublic | BindingFlags.Instance)!.MakeGenericMethod(kind.Type).Invoke(this, [])!;
        }
    }

    [Fact]
    public async Task Moments_are_kept_in_UTC_to_the_millisecond()
    {
        var exact = new DateTime(2026, 7, 8, 9, 10, 11, DateTimeKind.Utc).AddTicks(1_239_999);
        var stored = await Instances.InsertAsync(Samples.Instance() with { LaunchedAt = exact }, None);
        var read = (await Instances.GetAsync(stored.Key, None))!;
        Assert.Equal(new DateTime(2026, 7, 8, 9, 10, 11, 123, DateTimeKind.Utc), stored.LaunchedAt);
        Assert.Equal(stored.LaunchedAt, read.LaunchedAt);
        Assert.Equal(DateTimeKind.Utc, read.LaunchedAt!.Value.Kind);
        Assert.Single(await Instances.WhereAsync(i => i.LaunchedAt == read.LaunchedAt, None));
    }

    [Fact]
    public async Task A_caller_that_changes_what_it_handed_in_changes_nothing_stored()
    {
        var metadata = new Dictionary<string, string> { ["a"] = "1" };
        var stored = await Instances.InsertAsync(Samples.Instance() with { Metadata = metadata }, None);
        metadata["a"] = "2";
        Assert.Equal("1", (await Instances.GetAsync(stored.Key, None))!.Metadata["a"]);
    }

    [Fact]
    public async Task Queries_filter_order_and_page_where_the_documents_are()
    {
        string?[] hosts = ["xen1", null, "xen2"];
        string[] names = ["web-B", "web-a", "db", "Web", "web-é", "x"];
        for (var i = 0; i < names.Length; i++)
        {
            await Instances.InsertAsync(Samples.Instance(names[i], hosts[i % 3]) with { Progress = i, Deleted = i == 5, TaskState = i == 2 ? TaskStates.Spawning : null }, None);
        }

        async Task Finds(string expected, Func<IQueryable<InstanceDocument>, IQueryable<InstanceDocument>> query) =>
            Assert.Equal(expected, string.Join(' ', (await Instances.ListAsync(query(Instances.Query()), None)).Select(d => d.Progress)));

        await Finds("0 1 2 3 4 5", q => q.OrderBy(d => d.Progress));
        await Finds("3 2 0 1 4 5", q => q.OrderBy(d => d.DisplayName)); // by code point: capitals first, é last
        await Finds("1 2 3", q => q.OrderBy(d => d.Progress).Skip(1).Take(3));
        await Finds("4 1 0", q => q.Where(d => d.DisplayName.StartsWith("web")).OrderByDescending(d => d.DisplayName));
#pragma warning disable CA1304, CA1311, CA1862 // What OData makes of contains(tolower(display_name), 'web').
        await Finds("0 1 3 4", q => q.Where(d => d.DisplayName.ToLower().Contains("web")).OrderBy(d => d.Progress));
#pragma warning restore CA1304, CA1311, CA1862
        await Finds("0 3", q => q.Where(d => d.Host == "xen1").OrderBy(d => d.Progress));
        await Finds("1 4", q => q.Where(d => d.Host == null).OrderBy(d => d.Progress));
        await Finds("0 2 3 5", q => q.Where(d => d.Host != null).OrderBy(d => d.Progress));
        await Finds("1 4 0 3 2 5", q => q.OrderBy(d => d.Host).ThenBy(d => d.Progress)); // null first
        await Finds("2", q => q.Where(d => d.TaskState == TaskStates.Spawning));
        await Finds("5", q => q.Where(d => d.Deleted));
        await Finds("2 4", q => q.Where(d => new[] { 2, 4 }.Contains(d.Progress)).OrderBy(d => d.Progress));
        await Finds("0 5", q => q.Where(d => d.Progress < 1 || d.Progress >= 5).OrderBy(d => d.Progress));
        await Finds("1", q => q.Where(d => d.Flavor.MemoryMb == 512 && d.DisplayName == "web-a" && !d.Deleted));

        var shaped = await Instances.ListAsync(Instances.Query().Where(d => d.Host == "xen2").OrderBy(d => d.Progress).Select(d => new { d.DisplayName, d.Id }), None);
        Assert.Equal(["db", "x"], shaped.Select(s => s.DisplayName));
        Assert.Equal(["xen1", "xen2"], (await Instances.ListAsync(Instances.Query().Where(d => d.Host != null).Select(d => d.Host!).Distinct(), None)).Order());
        Assert.Equal(2, await Instances.CountAsync(d => d.Host == "xen1", None));
        Assert.Equal(0, await Instances.CountAsync(d => d.Host == "nowhere", None));
        Assert.Equal("db", (await Instances.FirstOrDefaultAsync(d => d.Progress == 2, None))!.DisplayName);
        Assert.Null(await Instances.FirstOrDefaultAsync(d => d.Progress == 99, None));

        // What OData asks for by itself, without a token to pass on.
        Assert.Equal(6, Instances.Query().LongCount());
        Assert.True(Instances.Query().Any(d => d.Progress == 5));
    }

    [Fact]
    public async Task Dictionaries_and_lists_can_be_asked_for()
    {
        await Instances.InsertAsync(Samples.Instance("a") with { Metadata = new Dictionary<string, string> { ["os.version"] = "12", ["role"] = "web" }, Addresses = ["10.0.0.1"] }, None);
        await Instances.InsertAsync(Samples.Instance("b") with { Metadata = new Dictionary<string, string> { ["os.version"] = "11" } }, None);

        Assert.Equal("a", Assert.Single(await Instances.WhereAsync(d => d.Metadata.Any(m => m.Key == "os.version" && m.Value == "12"), None)).DisplayName);
        Assert.Equal("b", Assert.Single(await Instances.WhereAsync(d => d.Metadata.Any(m => m.Key == "os.version") && !d.Metadata.Any(m => m.Key == "role"), None)).DisplayName);
        Assert.Equal("a", Assert.Single(await Instances.WhereAsync(d => d.Addresses.Contains("10.0.0.1"), None)).DisplayName);
    }

    [Fact]
    public async Task A_cancelled_operation_is_cancelled()
    {
        var stored = await Instances.InsertAsync(Samples.Instance(), None);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Instances.GetAsync(stored.Key, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Instances.InsertAsync(Samples.Instance(), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Instances.ReplaceAsync(stored with { Progress = 1 }, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Instances.DeleteAsync(stored, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Instances.ListAsync(Instances.Query(), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Instances.CountAsync(_ => true, cancelled));
        Assert.Equal(1, (await Instances.GetAsync(stored.Key, None))!.Revision);
    }

    [Fact]
    public async Task Initializing_again_changes_nothing_and_the_store_answers_a_ping()
    {
        var stored = await Instances.InsertAsync(Samples.Instance(), None);
        await store.InitializeAsync(None);
        await store.PingAsync(None);
        Assert.NotNull(await Instances.GetAsync(stored.Key, None));
    }

    [Fact]
    public async Task A_document_without_a_key_is_refused() =>
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Instances.InsertAsync(Samples.Instance() with { Key = "" }, None));

    private async Task ComesBackWhole<T>()
        where T : Document
    {
        var stored = await store.Collection<T>().InsertAsync((T)Filler.Fill(typeof(T)), None);
        var expected = (T)Filler.Fill(typeof(T)) with { Revision = 1, CreatedAt = stored.CreatedAt, UpdatedAt = null };
        Assert.Equivalent(expected, stored, strict: true);
        Assert.Equivalent(expected, await store.Collection<T>().GetAsync(stored.Key, None), strict: true);
        Assert.Equivalent(expected, Assert.Single(await store.Collection<T>().ListAsync(store.Collection<T>().Query(), None)), strict: true);
    }
}
