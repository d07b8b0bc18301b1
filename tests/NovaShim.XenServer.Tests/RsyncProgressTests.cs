using NovaShim.XenServer.Dom0;

namespace NovaShim.XenServer.Tests;

/// <summary>The forms in which rsync says how far it is.</summary>
public sealed class RsyncProgressTests
{
    [Theory]
    [InlineData("         32768   1%    0.00kB/s    0:00:00  ", 32768, 1)]
    [InlineData("        3000000 100%    1.38GB/s    0:00:00 (xfr#1, to-chk=0/1)", 3000000, 100)]
    [InlineData("     84,050,432  40%  109.81MB/s    0:00:01", 84050432, 40)]
    [InlineData("         84.05M  40%  109.81MB/s    0:00:01  ", 84050000, 40)]
    [InlineData("          1.20G  99%   10.00MB/s    1:02:03 (xfr#2, ir-chk=1000/2000)", 1200000000, 99)]
    [InlineData("512 0% 500B/s 123:00:00", 512, 0)]
    public void A_line_of_progress_is_read(string line, long bytes, int percent)
    {
        Assert.True(RsyncProgress.TryParse(line, out var progress));
        Assert.Equal(new RsyncProgress(bytes, percent), progress);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sending incremental file list")]
    [InlineData("rsync: [sender] link_stat \"/x\" failed: No such file or directory (2)")]
    [InlineData("100%")]
    [InlineData("12 34")]
    [InlineData("-5 40% 1.00MB/s 0:00:01")]
    public void Anything_else_is_not(string line) => Assert.False(RsyncProgress.TryParse(line, out _));
}
