using System.Buffers.Binary;
using CsCheck;

namespace NovaShim.Vhd.Tests;

/// <summary>Broken and malicious files: a clear error or right data, never anything else.</summary>
public sealed class HostileFileTests
{
    private const int MiB = 1 << 20;
    private const int Size = 8 * MiB;

    private static readonly byte[] _image = Image();
    private static readonly byte[] _disk = ReadDisk(_image);

    [Fact]
    public void One_flipped_bit_in_footers_header_or_batmap_gives_an_error_or_the_right_data() =>
        Gen.Int[0, (3072 * 8) + (512 * 8) - 1].Sample(
            bit =>
            {
                var image = _image.ToArray();
                var at = bit / 8;

                // The tables but for the block allocation table, which has no checksum; then the end footer.
                at = at >= 3072 ? _image.Length - 512 + (at - 3072) : at is >= 1536 and < 2048 ? at - 1536 : at;
                image[at] ^= (byte)(1 << (bit % 8));
                AssertErrorOrRightData(image);
            },
            iter: 1200);

    [Fact]
    public void A_cut_off_file_gives_an_error_or_the_right_data() =>
        Gen.Int[0, _image.Length].Sample(length => AssertErrorOrRightData(_image[..length]), iter: 200);

    [Fact]
    public void Any_bytes_over_the_tables_give_a_clear_error_or_are_read_within_bounds() =>
        Gen.Select(Gen.Int[0, 5120], Gen.Byte.Array[1, 64], Gen.Bool).Sample(
            (at, junk, mendChecksums) =>
            {
                var image = _image.ToArray();
                junk.CopyTo(image, at);
                if (mendChecksums)
                {
                    MendChecksums(image);
                }

                AssertErrorOrAnswer(image);
            },
            iter: 1200);

    [Fact]
    public void Extreme_numbers_in_any_field_give_a_clear_error_or_are_read_within_bounds() =>
        Gen.Select(Gen.Int[0, 767], Gen.OneOf(0UL, 1UL, 511UL, 513UL, 0x7FFF_FFFFUL, 0xFFFF_FFFFUL, 0x7FFF_FFFF_FFFF_FE00UL, ulong.MaxValue), Gen.Bool).Sample(
            (word, value, wide) =>
            {
                var image = _image.ToArray();
                if (wide)
                {
                    BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(word * 4), value);
                }
                else
                {
                    BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(word * 4), (uint)value);
                }

                MendChecksums(image);
                image.AsSpan(0, 512).CopyTo(image.AsSpan(image.Length - 512));
                AssertErrorOrAnswer(image);
            },
            iter: 1200);

    [Fact]
    public async Task A_stream_cut_off_anywhere_is_an_error()
    {
        var random = new Random(3);
        foreach (var length in Enumerable.Range(0, 300).Select(_ => random.Next(_image.Length)).Append(_image.Length - 1).Append(_image.Length - 512))
        {
            await Assert.ThrowsAsync<VhdFormatException>(async () => await DrainAsync(_image[..length]));
        }

        Assert.True((await DrainAsync(_image)).AsSpan().SequenceEqual(_disk));
    }

    [Fact]
    public async Task A_stream_of_a_fixed_image_is_read_and_one_without_a_footer_is_an_error()
    {
        using var folder = new TempFolder();
        var data = new byte[3 * MiB];
        new Random(4).NextBytes(data);
        using (var file = VhdFile.CreateFixed(folder["a.vhd"], data.Length))
        {
            file.Write(0, data);
        }

        var image = await File.ReadAllBytesAsync(folder["a.vhd"]);
        Assert.True((await DrainAsync(image)).AsSpan(0, data.Length).SequenceEqual(data));
        await Assert.ThrowsAsync<VhdFormatException>(async () => await DrainAsync(image[..^1]));
        await Assert.ThrowsAsync<VhdFormatException>(async () => await DrainAsync(data));
        await Assert.ThrowsAsync<VhdFormatException>(async () => await DrainAsync([]));
    }

    [Fact]
    public void A_chain_that_runs_in_a_circle_is_an_error()
    {
        using var folder = new TempFolder();
        VhdFile.CreateDynamic(folder["root.vhd"], Size).Dispose();
        VhdFile.CreateDifferencing(folder["a.vhd"], folder["root.vhd"]).Dispose();
        VhdFile.CreateDifferencing(folder["b.vhd"], folder["a.vhd"]).Dispose();
        using (var a = VhdFile.Open(folder["a.vhd"], VhdAccess.ReadWrite))
        {
            a.SetParent(folder["b.vhd"]);
            Assert.Throws<ArgumentException>(() => a.SetParent(folder["a.vhd"]));
        }

        Assert.Contains("circle", Assert.Throws<VhdFormatException>(() => VhdChain.Open(folder["b.vhd"])).Message, StringComparison.Ordinal);
        Assert.Contains(VhdCheck.Run(folder["b.vhd"], new VhdCheckOptions { Parents = true }), result => !result.Valid);
    }

    [Fact]
    public void A_parent_outside_named_by_an_absolute_path_is_not_followed()
    {
        using var folder = new TempFolder();
        VhdFile.CreateDynamic(folder["root.vhd"], Size).Dispose();
        VhdFile.CreateDifferencing(folder["child.vhd"], folder["root.vhd"]).Dispose();
        var bytes = File.ReadAllBytes(folder["child.vhd"]);
        for (var i = 0; i < 3; i++)
        {
            var entry = bytes.AsSpan(512 + 576 + (24 * i));
            var code = BinaryPrimitives.ReadUInt32BigEndian(entry);
            var path = VhdLocator.Encode(code, folder["root.vhd"]);
            BinaryPrimitives.WriteInt32BigEndian(entry[8..], path.Length);
            path.CopyTo(bytes, (int)BinaryPrimitives.ReadUInt64BigEndian(entry[16..]));
        }

        MendChecksums(bytes);
        File.WriteAllBytes(folder["child.vhd"], bytes);

        Assert.Throws<VhdParentMissingException>(() => VhdChain.Open(folder["child.vhd"]));
    }

    [Fact]
    public void What_is_no_VHD_says_so()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["a.vhd"], new byte[5000]);
        File.WriteAllBytes(folder["b.vhd"], []);

        Assert.Contains("no good footer", Assert.Throws<VhdFormatException>(() => VhdFile.Open(folder["a.vhd"])).Message, StringComparison.Ordinal);
        Assert.Contains("too few", Assert.Throws<VhdFormatException>(() => VhdFile.Open(folder["b.vhd"])).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => VhdFile.Open(folder["c.vhd"]));
    }

    private static byte[] Image()
    {
        using var folder = new TempFolder();
        using (var file = VhdFile.CreateDynamic(folder["a.vhd"], Size))
        {
            var data = new byte[3 * MiB];
            new Random(1).NextBytes(data);
            file.Write(0, data);
            file.Write(6 * MiB, data.AsSpan(0, 512));
        }

        return File.ReadAllBytes(folder["a.vhd"]);
    }

    private static byte[] ReadDisk(byte[] image)
    {
        using var file = VhdFile.Open(new MemoryMedium(image), "a.vhd", VhdAccess.Read);
        var disk = new byte[Size];
        file.Read(0, disk);
        return disk;
    }

    private static void AssertErrorOrRightData(byte[] image)
    {
        try
        {
            Assert.Equal(Size, ReadDisk(image).AsSpan().CommonPrefixLength(_disk));
        }
        catch (VhdFormatException refused)
        {
            Assert.NotEmpty(refused.Message);
        }

        AssertErrorOrAnswer(image);
    }

    private static void AssertErrorOrAnswer(byte[] image)
    {
        try
        {
            using var file = VhdFile.Open(new MemoryMedium(image), "a.vhd", VhdAccess.Read);
            file.Read(0, new byte[Size]);
            Assert.All(file.Extents().Take(1000), extent => Assert.InRange(extent.Length, 512, file.VirtualSize));
            Assert.All(file.BlocksFullOnlyInBatmap().Take(10), block => Assert.InRange(block, 0, file.Header!.BatEntries));
        }
        catch (VhdFormatException)
        {
            // Refused with a reason.
        }

        try
        {
            DrainAsync(image).GetAwaiter().GetResult();
        }
        catch (VhdFormatException)
        {
            // Refused with a reason.
        }
    }

    private static async Task<byte[]> DrainAsync(byte[] image)
    {
        var disk = new byte[Math.Max(Size, image.Length)];
        var reader = await VhdStreamReader.OpenAsync(new OneWayStream(image));
        await foreach (var chunk in reader.ReadAsync())
        {
            if (chunk.Offset + chunk.Data.Length <= disk.Length)
            {
                chunk.Data.Span.CopyTo(disk.AsSpan((int)chunk.Offset));
            }
        }

        return disk;
    }

    private static void MendChecksums(byte[] image)
    {
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(64), VhdChecksum.Of(image.AsSpan(0, 512), 64));
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(512 + 36), VhdChecksum.Of(image.AsSpan(512, 1024), 36));
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(2048 + 24), VhdChecksum.Of(image.AsSpan(2560, 512)));
    }
}
