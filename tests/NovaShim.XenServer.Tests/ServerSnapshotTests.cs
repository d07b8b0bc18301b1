using NovaShim.Sdk;
using NovaShim.Vhd;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Images made of servers.</summary>
public sealed class ServerSnapshotTests
{
    [Fact]
    public async Task An_image_of_a_server_in_any_state_boots_servers_on_every_host_with_what_was_on_the_disk()
    {
        await using var hosts = await TwoHosts.StartAsync(settings: null, "--coalesce-delay", "1");
        var server = await hosts.SpawnAsync(flavor: TwoHosts.Large);
        var driver = hosts.SourceDriver;
        var records = 0L;
        foreach (var (into, outOf) in new (Func<InstanceStepContext, CancellationToken, Task>, Func<InstanceStepContext, CancellationToken, Task>)[]
        {
            ((_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask), (driver.PauseAsync, driver.UnpauseAsync), (driver.SuspendAsync, driver.ResumeAsync), (driver.PowerOffAsync, driver.PowerOnAsync),
        })
        {
            await into(hosts.Step(server), CancellationToken.None);
            var power = (await driver.GetInfoAsync(server, CancellationToken.None))!.PowerState;
            var (file, info) = await TakeAsync(hosts, server);

            Assert.Equal(new SnapshotInfo("vhd", 1L << 30), info);
            Assert.Equal(power, (await driver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
            await AssertTidyAsync(hosts, server);
            Assert.True(VhdCheck.Run(file, new VhdCheckOptions(), CancellationToken.None)[0].Valid);
            using (var vhd = VhdFile.Open(file))
            {
                Assert.Equal(VhdType.Dynamic, vhd.Type);
            }

            using var report = System.Text.Json.JsonDocument.Parse(await TwoHosts.ProveJournalAsync(file));
            var last = report.RootElement.GetProperty("last").GetInt64();
            Assert.True(last >= records && last > 0);
            records = last;
            await outOf(hosts.Step(server), CancellationToken.None);
            await hosts.WriteAsync(server);
        }

        var (image, _) = await TakeAsync(hosts, server);
        var child = hosts.NewInstance("child", TwoHosts.Large);
        foreach (var (host, at) in new[] { (hosts.SourceDriver, hosts.Source), (hosts.DestinationDriver, hosts.Destination) })
        {
            await host.SpawnAsync(TwoHosts.StepFrom(child, image), CancellationToken.None);
            await TwoHosts.StopAsync(at, child);
            using var report = System.Text.Json.JsonDocument.Parse(await TwoHosts.ProveJournalAsync(await at.LeafAsync(child)));
            Assert.True(report.RootElement.GetProperty("last").GetInt64() > records);
        }
    }

    [Fact]
    public async Task A_snapshot_that_dies_anywhere_leaves_one_image_and_nothing_on_the_host()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        var image = Guid.NewGuid().ToString();
        string file = "";

        await Faults.EverywhereAsync(
            hosts,
            ["VDI.add_to_other_config", "VDI.snapshot", "task.create", "VDI.destroy", "VDI.remove_from_other_config"],
            async ct => (file, _) = await TakeAsync(hosts, server, image, ct),
            async () =>
            {
                await AssertTidyAsync(hosts, server);
                await TwoHosts.ProveJournalAsync(file);
            },
            () =>
            {
                image = Guid.NewGuid().ToString();
                return Task.CompletedTask;
            });
        await hosts.WriteAsync(server);
    }

    [Fact]
    public async Task A_snapshot_left_by_a_process_that_died_is_used_by_the_next_or_cleared_away_by_the_next_image_or_the_servers_end()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        foreach (var end in new[] { "again", "another", "destroy" })
        {
            // The process is gone as soon as the first bytes have arrived.
            using var death = new CancellationTokenSource();
            var id = Guid.NewGuid().ToString();
            var target = new ImageTarget { Id = id, Name = "image", OpenWrite = _ => Task.FromResult<Stream>(new DeadlyStream(death)) };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hosts.SourceDriver.SnapshotAsync(hosts.Step(server), target, death.Token));
            var left = Assert.Single(await hosts.Source.DisksAsync(), d => d.Value["is_a_snapshot"]!.GetValue<bool>());
            Assert.Equal(id, left.Value["other_config"]!["nova_image"]!.GetValue<string>());

            if (end == "destroy")
            {
                await hosts.SourceDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
                Assert.Empty(await hosts.Source.DisksAsync());
                return;
            }

            var (file, _) = await TakeAsync(hosts, server, end == "again" ? id : Guid.NewGuid().ToString());
            await TwoHosts.ProveJournalAsync(file);
            await AssertTidyAsync(hosts, server);
        }
    }

    [Fact]
    public async Task An_image_that_cannot_be_written_fails_the_step_and_leaves_nothing()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync();
        foreach (var open in new Func<Stream>[] { () => throw new IOException("No space left on device"), () => new FullStream() })
        {
            var full = new ImageTarget { Id = Guid.NewGuid().ToString(), Name = "image", OpenWrite = _ => Task.FromResult(open()) };
            var failed = await Assert.ThrowsAsync<IOException>(() => hosts.SourceDriver.SnapshotAsync(hosts.Step(server), full, CancellationToken.None));
            Assert.Equal("No space left on device", failed.Message);
            await AssertTidyAsync(hosts, server);
        }

        // A session that is gone is no reason to fail.
        await hosts.WriteAsync(server);
        await hosts.Source.FaultAsync(new { kind = "expire-sessions" });
        var (file, _) = await TakeAsync(hosts, server);
        await TwoHosts.ProveJournalAsync(file);
    }

    private static async Task<(string File, SnapshotInfo Info)> TakeAsync(TwoHosts hosts, Instance server, string? image = null, CancellationToken cancellation = default)
    {
        var file = Path.Combine(hosts.Folder, $"{image ?? Guid.NewGuid().ToString()}.vhd");
        var target = new ImageTarget { Id = Path.GetFileNameWithoutExtension(file), Name = "image", OpenWrite = _ => Task.FromResult<Stream>(File.Create(file)) };
        return (file, await hosts.SourceDriver.SnapshotAsync(hosts.Step(server), target, cancellation));
    }

    private static async Task AssertTidyAsync(TwoHosts hosts, Instance server)
    {
        var disks = (await hosts.Source.DisksAsync()).Where(d => d.Value["type"]!.GetValue<string>() != "suspend").ToList();
        var (_, root) = Assert.Single(disks);
        Assert.Equal(await hosts.Source.LeafAsync(server), Path.Combine(hosts.Source.SrPath, root["uuid"]!.GetValue<string>() + ".vhd"));
        Assert.False(root["other_config"]!.AsObject().ContainsKey("nova_image"));
    }

    private sealed class FullStream : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            Length > 1 << 20 ? throw new IOException("No space left on device") : base.WriteAsync(buffer, cancellationToken);
    }

    private sealed class DeadlyStream(CancellationTokenSource death) : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await death.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
