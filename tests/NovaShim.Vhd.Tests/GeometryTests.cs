namespace NovaShim.Vhd.Tests;

public sealed class GeometryTests
{
    [Theory]
    [InlineData(10, 301, 4, 17)]
    [InlineData(64, 963, 8, 17)]
    [InlineData(100, 1003, 12, 17)]
    [InlineData(500, 1015, 16, 63)]
    [InlineData(520, 1056, 16, 63)]
    [InlineData(1024, 2080, 16, 63)]
    [InlineData(8192, 16644, 16, 63)]
    [InlineData(40960, 20560, 16, 255)]
    [InlineData(102400, 51400, 16, 255)]
    [InlineData(131072, 65535, 16, 255)]
    [InlineData(2040L * 1024, 65535, 16, 255)]
    public void A_size_has_the_geometry_XenServer_gives_it(long mebibytes, int cylinders, int heads, int sectors)
    {
        var geometry = VhdGeometry.ForSize(mebibytes << 20);

        Assert.Equal(new VhdGeometry(cylinders, heads, sectors), geometry);
        Assert.Equal(geometry, VhdGeometry.Unpack(geometry.Pack()));
        Assert.True(geometry.Capacity <= mebibytes << 20);
    }
}
