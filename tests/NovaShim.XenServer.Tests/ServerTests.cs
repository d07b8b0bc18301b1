using NovaShim.Sdk;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>Servers on one host: built, rebooted, destroyed.</summary>
public sealed class ServerTests
{
    [Fact]
    public async Task A_build_that_was_cut_off_in_the_image_is_made_anew_and_leaves_one_disk()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = hosts.NewInstance();
        var broken = hosts.Step(server, withImage: true) is { Image: { } image } step
            ? new TestInstanceStep
            {
                Instance = server, RequestId = step.RequestId,
                Image = image with { OpenRead = async ct => new BreakingStream(await image.OpenRead(ct), image.Size / 2) },
            }
            : throw new InvalidOperationException();

        await Assert.ThrowsAnyAsync<Exception>(() => hosts.SourceDriver.SpawnAsync(broken, CancellationToken.None));
        Assert.Null(await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None));
        await hosts.SourceDriver.SpawnAsync(hosts.Step(server, withImage: true), CancellationToken.None);
        await hosts.SourceDriver.SpawnAsync(hosts.Step(server, withImage: true), CancellationToken.None);

        Assert.Equal(PowerState.Running, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
        Assert.Single(await hosts.Source.RecordsAsync("VDI"), v => v.Value["managed"]!.GetValue<bool>());
        await hosts.WriteAsync(server);
        await hosts.SourceDriver.DestroyAsync(hosts.Step(server), CancellationToken.None);
        Assert.Empty(await hosts.Source.VmsAsync());
        await Wait.UntilAsync(() => hosts.Source.VhdFiles().Count == 0, "the files are gone");
    }

    [Fact]
    public async Task A_server_is_as_large_as_its_flavor_and_reboots_both_ways()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = await hosts.SpawnAsync(flavor: TwoHosts.Large);
        var disk = Assert.Single(await hosts.Source.RecordsAsync("VDI"), v => v.Value["managed"]!.GetValue<bool>());
        Assert.Equal(1L << 30, disk.Value["virtual_size"]!.GetValue<long>());

        foreach (var hard in new[] { false, true })
        {
            await hosts.SourceDriver.RebootAsync(hosts.Step(server), hard, CancellationToken.None);
            Assert.Equal(PowerState.Running, (await hosts.SourceDriver.GetInfoAsync(server, CancellationToken.None))!.PowerState);
            await hosts.WriteAsync(server);
        }
    }

    [Fact]
    public async Task An_image_larger_than_the_flavor_or_of_no_known_format_is_refused()
    {
        await using var hosts = await TwoHosts.StartAsync();
        var server = hosts.NewInstance(flavor: TwoHosts.Large);
        var image = hosts.Step(server, withImage: true).Image!;
        TestInstanceStep With(Image other) => new() { Instance = server, RequestId = "r", Image = other };

        foreach (var bad in new[] { image with { DiskFormat = "raw", Size = 2L << 30 }, image with { DiskFormat = "qcow2" }, image with { OpenRead = _ => Task.FromResult<Stream>(new MemoryStream(new byte[100])) } })
        {
            var failed = await Assert.ThrowsAsync<StepFailedException>(() => hosts.SourceDriver.SpawnAsync(With(bad), CancellationToken.None));
            Assert.Equal(StepRecovery.Unwind, failed.Recovery);
        }

        Assert.Empty(hosts.Source.VhdFiles());
    }

    [Fact]
    public async Task The_host_tells_what_it_has()
    {
        await using var hosts = await TwoHosts.StartAsync();
        await hosts.SpawnAsync();

        var stats = await hosts.SourceDriver.GetHostStatsAsync(CancellationToken.None);

        Assert.Equal("xen", stats.HypervisorType);
        Assert.Equal(8002001, stats.HypervisorVersion);
        Assert.InRange(stats.MemoryMb, 8192, 16384);
        Assert.True(stats.Vcpus > 0 && stats.LocalGb > 0);
        Assert.NotEmpty(stats.HypervisorHostname);
        Assert.InRange(stats.BootedAt!.Value, DateTime.UtcNow.AddMinutes(-10), DateTime.UtcNow);
    }

    [Fact]
    public async Task Many_things_can_be_done_in_dom0_at_once()
    {
        await using var hosts = await TwoHosts.StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => hosts.SourceDriver.InitHostAsync(CancellationToken.None)));
    }

    private sealed class BreakingStream(Stream inner, long after) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _read; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_read >= after)
            {
                throw new IOException("The image's store went away.");
            }

            var read = inner.Read(buffer, offset, (int)Math.Min(count, 65536));
            _read += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
