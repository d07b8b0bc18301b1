namespace NovaShim.Vhd.Tests;

public sealed class SizeTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(-512)]
    [InlineData(1000)]
    [InlineData((2040L << 30) + 512)]
    [InlineData(long.MaxValue)]
    public void A_size_the_format_cannot_have_is_refused(long size)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => VhdFile.CreateDynamic(_folder["a.vhd"], size));
        Assert.Throws<ArgumentOutOfRangeException>(() => VhdFile.CreateFixed(_folder["a.vhd"], size));
        Assert.Empty(Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public void The_largest_disk_works_at_its_end()
    {
        using (var file = VhdFile.CreateDynamic(_folder["a.vhd"], VhdLayout.MaxVirtualSize))
        {
            file.Write(VhdLayout.MaxVirtualSize - 512, Enumerable.Repeat((byte)7, 512).ToArray());
        }

        using var read = VhdFile.Open(_folder["a.vhd"]);
        Assert.Equal([new VhdExtent(VhdLayout.MaxVirtualSize - 512, 512)], read.Extents());
        Assert.True(read.PhysicalUtilisation < 16 * MiB);
    }

    [Fact]
    public void Room_made_at_creation_is_grown_into_without_the_table_moving()
    {
        using var file = VhdFile.CreateDynamic(_folder["a.vhd"], 64 * MiB, new VhdCreateOptions { MaxVirtualSize = 4096 * MiB });
        var length = file.PhysicalUtilisation;

        file.Resize(4096 * MiB);

        Assert.Equal(length, file.PhysicalUtilisation);
        Assert.Equal(1536, file.Header!.BatOffset);
        Assert.Equal(64 * MiB, file.Footer.OriginalSize);
        Assert.Equal(VhdGeometry.ForSize(4096 * MiB), file.Footer.Geometry);
    }

    [Fact]
    public void A_disk_does_not_shrink_and_does_not_grow_while_attached()
    {
        using (var file = VhdFile.CreateDynamic(_folder["a.vhd"], 64 * MiB))
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => file.Resize(62 * MiB));
            file.Resize(64 * MiB);
        }

        using var attached = VhdFile.Open(_folder["a.vhd"], VhdAccess.Attached);
        Assert.Throws<InvalidOperationException>(() => attached.Resize(66 * MiB));
    }

    [Fact]
    public void A_grown_fixed_disk_has_nothing_of_its_old_footer()
    {
        using (var file = VhdFile.CreateFixed(_folder["a.vhd"], 2 * MiB))
        {
            file.Write(0, Enumerable.Repeat((byte)7, (int)(2 * MiB)).ToArray());
            file.Resize(4 * MiB);
        }

        var bytes = File.ReadAllBytes(_folder["a.vhd"]);
        Assert.Equal((4 * MiB) + 512, bytes.Length);
        Assert.True(bytes.AsSpan(0, (int)(2 * MiB)).IndexOfAnyExcept((byte)7) < 0);
        Assert.True(bytes.AsSpan((int)(2 * MiB), (int)(2 * MiB)).IndexOfAnyExcept((byte)0) < 0);
        Assert.Empty(VhdCheck.Run(_folder["a.vhd"]).Single().Problems);
    }

    [Fact]
    public void A_name_in_use_is_refused_and_the_file_there_kept()
    {
        File.WriteAllText(_folder["a.vhd"], "somebody's");

        Assert.Throws<IOException>(() => VhdFile.CreateDynamic(_folder["a.vhd"], 2 * MiB));

        Assert.Equal("somebody's", File.ReadAllText(_folder["a.vhd"]));
    }

    [Fact]
    public void Writes_beyond_the_disk_or_not_of_whole_sectors_are_refused()
    {
        using var file = VhdFile.CreateDynamic(_folder["a.vhd"], 2 * MiB);

        Assert.Throws<ArgumentException>(() => file.Write(2 * MiB, new byte[512]));
        Assert.Throws<ArgumentException>(() => file.Write((2 * MiB) - 512, new byte[1024]));
        Assert.Throws<ArgumentException>(() => file.Write(-512, new byte[512]));
        Assert.Throws<ArgumentException>(() => file.Write(100, new byte[512]));
        Assert.Throws<ArgumentException>(() => file.Write(0, new byte[100]));
        Assert.Equal(3584, file.PhysicalUtilisation);
    }
}
