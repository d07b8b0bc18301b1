using System.Diagnostics;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.Tests.Simulated;

namespace NovaShim.XenServer.Tests;

/// <summary>The disks beside the root's.</summary>
public sealed class BlankDisksTests
{
    [Fact]
    public void Linux_takes_a_swap_disk_for_one()
    {
        const long Bytes = 64L << 20;
        var id = Guid.NewGuid();
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, BlankDisks.SwapHeader(Bytes, id));
            using (var disk = File.OpenWrite(file))
            {
                disk.SetLength(Bytes);
            }

            using var blkid = Process.Start(new ProcessStartInfo("/usr/sbin/blkid", ["-p", "-o", "export", file]) { RedirectStandardOutput = true })!;
            var said = blkid.StandardOutput.ReadToEnd();
            blkid.WaitForExit();
            Assert.Contains("TYPE=swap", said, StringComparison.Ordinal);
            Assert.Contains($"UUID={id}", said, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Disks_stand_where_Nova_puts_them_and_large_ones_are_more_than_one()
    {
        Assert.Empty(BlankDisks.Wanted(TwoHosts.Small));
        Assert.Equal(
            [("2", 128L << 20), ("4", 2000L << 30), ("5", 1L << 30)], BlankDisks.Wanted(TwoHosts.Small with { Swap = 128, EphemeralGb = 2001 }));
    }
}
