using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NovaShim.Vhd;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Guests.Journal;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.Tests.Storage;

namespace NovaShim.XenServerSimulator.Tests.Guests;

public sealed class GuestTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public async Task The_journal_is_unbroken_over_snapshots_coalescing_and_restarts_under_load_and_other_readers_agree()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(TimeSpan.FromMilliseconds(100));
        string leaf = await sr.ImageAsync(journal: 16 * MiB);
        long last = 0;
        for (int boot = 1; boot <= 3; boot++)
        {
            await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
            {
                await using Guest guest = StorageFixture.Boot(disk, 8 * MiB);
                for (int round = 0; round < 3; round++)
                {
                    long begun = guest.State.LastSequence;
                    await HostFolder.UntilAsync(() => guest.State.LastSequence > begun + 400 || guest.State.Error is not null, "the guest writes");
                    SnapshotFacts snapshot = await sr.SnapshotAsync(leaf);
                    long taken = guest.State.LastSequence;
                    await HostFolder.UntilAsync(() => guest.State.LastSequence > taken + 200 || guest.State.Error is not null, "the guest writes on");
                    await sr.Repository.DestroyAsync(snapshot.SnapshotUuid, CancellationToken.None);
                }

                await HostFolder.UntilAsync(() => guest.State.LastSequence > last + 4500 || guest.State.Error is not null, "the ring is lapped");
                Assert.Null(guest.State.Error);
                last = await guest.ShutdownAsync(CancellationToken.None);
            }

            await HostFolder.UntilAsync(async () => (await sr.FactsAsync(leaf)).ParentUuid is null || sr.Files().Length <= 2, "the chain is short again");
            JournalReport report = await JournalCommand.VerifyAsync(sr.PathOf(leaf), CancellationToken.None);
            Assert.Equal(new JournalReport(4096, last - 4095, last, boot, true, true, null), report);
        }

        Assert.Contains(sr.Changes, change => change is StorageChange.Reparented);
        await sr.OpenAgainAsync(o => o with { CoalesceDelay = StorageFixture.Never });
        await sr.SnapshotAsync(leaf);
        await OthersAgreeAsync(sr, leaf, last);
    }

    [Fact]
    public async Task A_guest_whose_plug_is_pulled_goes_on_where_it_was_and_a_lost_record_crashes_it()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync(64 * MiB);
        long last;
        await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            // A blank disk: the guest lays its journal out by itself.
            await using Guest guest = StorageFixture.Boot(disk, 4 * MiB);
            await HostFolder.UntilAsync(() => guest.State.LastSequence > 300, "records");
            await guest.PullAsync();
            last = guest.State.LastSequence;
        }

        JournalReport pulled = await JournalCommand.VerifyAsync(sr.PathOf(leaf), CancellationToken.None);
        Assert.Equal((true, last, false), (pulled.Whole, pulled.Last, pulled.Closed));
        await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            await using Guest guest = StorageFixture.Boot(disk, 0);
            Assert.Equal(last + 2, await guest.ShutdownAsync(CancellationToken.None));
        }

        await sr.WriteAsync(leaf, MiB + (100 * 4096), 4096, 0);
        JournalReport damaged = await JournalCommand.VerifyAsync(sr.PathOf(leaf), CancellationToken.None);
        Assert.False(damaged.Whole);
        Assert.Contains("slot 101 ", damaged.Error, StringComparison.Ordinal);
        (int exit, string output, _) = await HostFolder.RunAsync("/usr/bin/python3", HostFolder.JournalScript, sr.PathOf(leaf));
        Assert.Equal(1, exit);
        Assert.Contains("record 102 follows record 100", output, StringComparison.Ordinal);
        await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            await using Guest guest = StorageFixture.Boot(disk, MiB);
            await Assert.ThrowsAsync<GuestCrashedException>(() => guest.ShutdownAsync(CancellationToken.None));
        }
    }

    [Fact]
    public async Task Changed_content_is_noticed_by_both_verifiers()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.ImageAsync(content: MiB + 1000, journal: MiB);
        Assert.True((await JournalCommand.VerifyAsync(sr.PathOf(leaf), CancellationToken.None)).Whole);
        await HostFolder.SucceedAsync("/usr/bin/python3", HostFolder.JournalScript, sr.PathOf(leaf));

        await sr.WriteAsync(leaf, 2 * MiB + 4096, 512, 0);

        Assert.Contains("content", (await JournalCommand.VerifyAsync(sr.PathOf(leaf), CancellationToken.None)).Error, StringComparison.Ordinal);
        Assert.Contains("content", (await HostFolder.RunAsync("/usr/bin/python3", HostFolder.JournalScript, sr.PathOf(leaf))).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_writes_at_its_rate_stands_still_while_paused_and_does_not_make_up_for_it()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.ImageAsync();
        await using Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None);
        FakeTimeProvider time = new();
        await using Guest guest = Guest.Boot(StorageFixture.NewUuid(), disk, new GuestOptions { BytesPerSecond = MiB }, time, NullLogger.Instance);
        await HostFolder.UntilAsync(() => guest.State.LastSequence == 1, "it has booted");

        DateTimeOffset began = time.GetUtcNow();
        await HostFolder.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(50));
                return guest.State.RecordsWritten > 256;
            },
            "a mebibyte is written");
        TimeSpan took = time.GetUtcNow() - began;
        Assert.True(took >= TimeSpan.FromSeconds(0.95), $"a mebibyte in {took}");

        await guest.PauseAsync(CancellationToken.None);
        long paused = guest.State.RecordsWritten;
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(paused, await SettledAsync(guest));
        guest.Resume();
        time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.InRange(await SettledAsync(guest), paused, paused + 64 + 13);
    }

    [Fact]
    public async Task A_suspended_guest_goes_on_with_its_next_record_in_the_same_boot()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.ImageAsync(), vm = StorageFixture.NewUuid();
        GuestOptions options = new() { BytesPerSecond = 4 * MiB };
        GuestMemory? memory;
        await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            await using Guest guest = Guest.Boot(vm, disk, options, TimeProvider.System, NullLogger.Instance);
            await HostFolder.UntilAsync(() => guest.State.LastSequence > 100, "records");
            await guest.PauseAsync(CancellationToken.None);
            memory = guest.Memory;
            Assert.Equal(new GuestMemory(1, guest.State.LastSequence), memory);
            await guest.PullAsync();
            Assert.Equal(memory!.LastSequence, guest.State.LastSequence);
        }

        JournalReport suspended = await JournalCommand.VerifyAsync(sr.PathOf(leaf), CancellationToken.None);
        Assert.Equal((true, memory.LastSequence, false), (suspended.Whole, suspended.Last, suspended.Closed));
        await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            await using Guest guest = Guest.Resume(vm, disk, memory, options, TimeProvider.System, NullLogger.Instance);
            await HostFolder.UntilAsync(() => guest.State.LastSequence > memory.LastSequence + 100, "it writes on");
            await guest.ShutdownAsync(CancellationToken.None);
        }

        JournalReport closed = await JournalCommand.VerifyAsync(sr.PathOf(leaf), CancellationToken.None);
        Assert.Equal((true, 1, true), (closed.Whole, closed.Boots, closed.Closed));
    }

    [Fact]
    public async Task A_disk_with_something_else_on_it_is_left_alone_and_its_guest_shuts_down()
    {
        await using StorageFixture sr = await StorageFixture.OpenAsync(StorageFixture.Never);
        string leaf = await sr.CreateAsync();
        await sr.WriteAsync(leaf, 0, 4096, 0x55);
        string content = sr.ContentOf(leaf);
        await using (Disk disk = await sr.Repository.AttachAsync(leaf, false, CancellationToken.None))
        {
            await using Guest guest = StorageFixture.Boot(disk, MiB);
            Assert.Equal(0, await guest.ShutdownAsync(CancellationToken.None));
        }

        Assert.Equal(content, sr.ContentOf(leaf));
    }

    /// <summary>pyvhdi reads the journal through the chain, 7zz the whole disk.</summary>
    private static async Task OthersAgreeAsync(StorageFixture sr, string leaf, long last)
    {
        string output = await HostFolder.SucceedAsync("/usr/bin/python3", HostFolder.JournalScript, sr.PathOf(leaf));
        using JsonDocument report = JsonDocument.Parse(output);
        Assert.Equal(
            (4096, last - 4095, last, true),
            (report.RootElement.GetProperty("records").GetInt32(),
                report.RootElement.GetProperty("first").GetInt64(),
                report.RootElement.GetProperty("last").GetInt64(),
                report.RootElement.GetProperty("whole").GetBoolean()));

        // 7zz does not take an image that says it is hidden.
        using HostFolder copy = new();
        foreach (string uuid in sr.Files())
        {
            File.Copy(sr.PathOf(uuid), copy[uuid + ".vhd"]);
            using VhdFile file = VhdFile.Open(copy[uuid + ".vhd"], VhdAccess.ReadWrite);
            file.SetHidden(false);
        }

        await HostFolder.SucceedAsync("/usr/bin/7zz", "x", "-tVHD", $"-o{copy["out"]}", copy[leaf + ".vhd"]);
        string extracted = Assert.Single(Directory.GetFiles(copy["out"]));
        string[] sum = (await HostFolder.SucceedAsync("/usr/bin/sha256sum", extracted)).Split(' ');
        Assert.Equal(sr.ContentOf(leaf), sum[0]);
    }

    /// <summary>The number of records once it has not changed for a while of real time.</summary>
    private static async Task<long> SettledAsync(Guest guest)
    {
        long records = -1;
        DateTime since = DateTime.UtcNow;
        await HostFolder.UntilAsync(
            () =>
            {
                if (guest.State.RecordsWritten != records)
                {
                    (records, since) = (guest.State.RecordsWritten, DateTime.UtcNow);
                }

                return DateTime.UtcNow - since > TimeSpan.FromMilliseconds(250);
            },
            "the guest rests");
        return records;
    }
}
