using System.Buffers.Binary;
using System.Text;

namespace NovaShim.Vhd.Tests;

public sealed class LayoutTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2, 3584)]
    [InlineData(256, 3584)]
    [InlineData(200 * 1024, 424960)]
    public void An_empty_dynamic_image_has_the_size_XenServer_gives_it(long mebibytes, long bytes)
    {
        VhdFile.CreateDynamic(_folder["a.vhd"], mebibytes * MiB).Dispose();

        Assert.Equal(bytes, new FileInfo(_folder["a.vhd"]).Length);
    }

    [Fact]
    public void An_empty_differencing_image_has_the_size_XenServer_gives_it()
    {
        VhdFile.CreateDynamic(_folder["a.vhd"], 64 * MiB).Dispose();
        VhdFile.CreateDifferencing(_folder["b.vhd"], _folder["a.vhd"]).Dispose();

        Assert.Equal(5120, new FileInfo(_folder["b.vhd"]).Length);
    }

    [Fact]
    public void A_fixed_image_is_the_disk_and_its_footer()
    {
        VhdFile.CreateFixed(_folder["a.vhd"], 2 * MiB).Dispose();

        Assert.Equal(2097664, new FileInfo(_folder["a.vhd"]).Length);
    }

    [Fact]
    public void The_first_block_of_a_small_dynamic_image_has_its_data_at_4096()
    {
        using (var file = VhdFile.CreateDynamic(_folder["a.vhd"], 64 * MiB))
        {
            file.Write(0, Marked(0x5A));
        }

        var bytes = File.ReadAllBytes(_folder["a.vhd"]);
        Assert.Equal(3584u / 512, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1536)));
        Assert.Equal(0x80, bytes[3584]);
        Assert.Equal(0x5A, bytes[4096]);
        Assert.Equal(4096 + (2 * MiB) + 512, bytes.Length);
        Assert.Equal(bytes[..512], bytes[^512..]);
    }

    [Fact]
    public void The_first_block_of_a_differencing_image_has_its_data_at_8192()
    {
        VhdFile.CreateDynamic(_folder["a.vhd"], 64 * MiB).Dispose();
        using (var file = VhdFile.CreateDifferencing(_folder["b.vhd"], _folder["a.vhd"]))
        {
            file.Write(512, Marked(0x5A));
        }

        var bytes = File.ReadAllBytes(_folder["b.vhd"]);
        Assert.Equal(7680u / 512, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1536)));
        Assert.Equal(0x40, bytes[7680]);
        Assert.Equal(0x5A, bytes[8192 + 512]);
    }

    [Fact]
    public void The_footer_says_what_XenServer_writes()
    {
        var uuid = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
        VhdFile.CreateDynamic(_folder["a.vhd"], 10 * MiB, new VhdCreateOptions { Uuid = uuid, Hidden = true }).Dispose();

        var bytes = File.ReadAllBytes(_folder["a.vhd"]);
        Assert.Equal("conectix", Encoding.ASCII.GetString(bytes, 0, 8));
        Assert.Equal("0000000200010000" + "0000000000000200", Convert.ToHexString(bytes.AsSpan(8, 16)));
        Assert.Equal("74617000" + "00010003" + "00000000", Convert.ToHexString(bytes.AsSpan(28, 12)));
        Assert.Equal("012D0411", Convert.ToHexString(bytes.AsSpan(56, 4)));
        Assert.Equal("00112233445566778899AABBCCDDEEFF", Convert.ToHexString(bytes.AsSpan(68, 16)));
        Assert.Equal(1, bytes[85]);
        var sum = bytes.Take(512).Where((_, at) => at is < 64 or >= 68).Aggregate(0u, (total, value) => total + value);
        Assert.Equal(~sum, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(64)));
        var age = DateTimeOffset.UtcNow - VhdTime.ToTime(BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(24)));
        Assert.InRange(age, TimeSpan.FromSeconds(-2), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public void The_tables_stand_in_XenServers_order()
    {
        VhdFile.CreateDynamic(_folder["parent.vhd"], 64 * MiB).Dispose();
        VhdFile.CreateDifferencing(_folder["b.vhd"], _folder["parent.vhd"]).Dispose();

        var bytes = File.ReadAllBytes(_folder["b.vhd"]);
        Assert.Equal("cxsparse", Encoding.ASCII.GetString(bytes, 512, 8));
        Assert.Equal(1536u, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(512 + 20)));
        Assert.Equal(32u, BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(512 + 28)));
        Assert.Equal("parent.vhd", Encoding.BigEndianUnicode.GetString(bytes, 512 + 64, 20));
        Assert.All(bytes[1536..(1536 + 128)], value => Assert.Equal(0xFF, value));
        Assert.All(bytes[(1536 + 128)..2048], value => Assert.Equal(0, value));
        Assert.Equal("tdbatmap", Encoding.ASCII.GetString(bytes, 2048, 8));
        Assert.Equal("0000000000000A00" + "00000001" + "00010002" + "FFFFFFFF", Convert.ToHexString(bytes.AsSpan(2056, 20)));
        Assert.Equal("MacX" + "W2ku" + "W2ru", string.Concat(Enumerable.Range(0, 3).Select(i => Encoding.ASCII.GetString(bytes, 512 + 576 + (24 * i), 4))));
        Assert.Equal("file://./parent.vhd", Encoding.UTF8.GetString(bytes, 3072, 19));
        Assert.Equal(@".\parent.vhd", Encoding.Unicode.GetString(bytes, 3584, 24));
        Assert.Equal(@".\parent.vhd", Encoding.Unicode.GetString(bytes, 4096, 24));
        Assert.Equal("0000020000000013" + "00000000" + "0000000000000C00", Convert.ToHexString(bytes.AsSpan(512 + 576 + 4, 20)));
    }

    private static byte[] Marked(byte value)
    {
        var sector = new byte[512];
        Array.Fill(sector, value);
        return sector;
    }
}
