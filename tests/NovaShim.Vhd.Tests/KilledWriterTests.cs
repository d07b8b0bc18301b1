using System.Buffers.Binary;

namespace NovaShim.Vhd.Tests;

/// <summary>A writer killed between any two of its writes leaves an image that opens and holds all that was written before.</summary>
public sealed class KilledWriterTests
{
    private const int MiB = 1 << 20;
    private const int Size = 8 * MiB;

    [Theory]
    [InlineData(VhdAccess.ReadWrite, 1)]
    [InlineData(VhdAccess.ReadWrite, 2)]
    [InlineData(VhdAccess.Attached, 3)]
    [InlineData(VhdAccess.Attached, 4)]
    public void A_writer_killed_anywhere_loses_only_the_write_it_was_in(VhdAccess access, int seed)
    {
        var random = new Random(seed);
        var medium = new RecordingMedium(Empty());

        // What the disk held after each write, and how many changes to the file that write took.
        var states = new List<(int Changes, byte[] Disk)> { (0, new byte[Size]) };
        using (var file = VhdFile.Open(medium, "a.vhd", access))
        {
            for (var i = 0; i < 8; i++)
            {
                var sectors = random.Next(1, i == 3 ? 4096 + 10 : 40);
                var data = new byte[sectors * 512];
                random.NextBytes(data);
                var offset = random.Next(Size / 512 - sectors) * 512;
                file.Write(offset, data);
                var disk = states[^1].Disk.ToArray();
                data.CopyTo(disk, offset);
                states.Add((medium.Changes, disk));
            }
        }

        states.Add((int.MaxValue, states[^1].Disk));
        foreach (var (complete, image) in medium.Remains())
        {
            var at = states.FindLastIndex(state => state.Changes <= complete);
            AssertSectorsOf(ReadDisk(image), states[at].Disk, states[Math.Min(at + 1, states.Count - 1)].Disk);
            AssertUsableAfterwards(image);
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(600)]
    public void A_resize_killed_anywhere_leaves_the_old_size_or_the_new(int newMebibytes)
    {
        var image = Filled(out var disk);
        var medium = new RecordingMedium(image);
        using (var file = VhdFile.Open(medium, "a.vhd", VhdAccess.ReadWrite))
        {
            file.Resize((long)newMebibytes * MiB);
        }

        foreach (var (_, remains) in medium.Remains())
        {
            using var file = VhdFile.Open(new MemoryMedium(remains), "a.vhd", VhdAccess.Read);
            Assert.True(file.VirtualSize == Size || file.VirtualSize == (long)newMebibytes * MiB);
            AssertSectorsOf(ReadDisk(remains), disk, disk);
            AssertUsableAfterwards(remains);
        }
    }

    [Fact]
    public void Hiding_killed_anywhere_leaves_an_image_that_opens()
    {
        var image = Filled(out var disk);
        var medium = new RecordingMedium(image);
        using (var file = VhdFile.Open(medium, "a.vhd", VhdAccess.ReadWrite))
        {
            file.SetHidden(true);
        }

        Assert.Equal(2, medium.Changes);
        foreach (var (_, remains) in medium.Remains())
        {
            AssertSectorsOf(ReadDisk(remains), disk, disk);
        }
    }

    [Fact]
    public void A_guest_cannot_pass_its_last_sector_off_as_a_footer()
    {
        var image = Filled(out _);
        using var original = VhdFile.Open(new MemoryMedium(image), "a.vhd", VhdAccess.Read);
        var forged = new byte[512];
        (original.Footer with { CurrentSize = 512, Hidden = true }).Write(forged);

        // The image of a writer that was killed before it closed: it ends with the last block's last sector.
        forged.CopyTo(image, image.Length - 1024);
        using var file = VhdFile.Open(new MemoryMedium(image.AsSpan(0, image.Length - 512)), "a.vhd", VhdAccess.Read);

        Assert.Equal(Size, file.VirtualSize);
        Assert.False(file.Hidden);
    }

    [Fact]
    public void An_attached_image_ends_in_fill_until_it_is_closed()
    {
        var medium = new MemoryMedium(Empty());
        using (var file = VhdFile.Open(medium, "a.vhd", VhdAccess.Attached))
        {
            Assert.All(medium.ToArray()[^512..], value => Assert.Equal(0xC7, value));
            var batmap = medium.ToArray()[2048..3072];
            file.Write(0, new byte[2 * MiB]);
            file.Flush();
            Assert.All(medium.ToArray()[^512..], value => Assert.Equal(0xC7, value));
            Assert.Equal(batmap, medium.ToArray()[2048..3072]);
            using var other = VhdFile.Open(new MemoryMedium(medium.ToArray()), "a.vhd", VhdAccess.Read);
            Assert.Equal(1, other.AllocatedBlocks);
        }

        var closed = medium.ToArray();
        Assert.Equal(closed[..512], closed[^512..]);
        Assert.Equal(0x80, closed[2560]);
    }

    private static byte[] Empty()
    {
        var medium = new MemoryMedium();
        VhdFile.LayDynamic(medium, VhdFile.NewFooter(VhdType.Dynamic, Size, new VhdCreateOptions()), new VhdCreateOptions(), null);
        return medium.ToArray();
    }

    private static byte[] Filled(out byte[] disk)
    {
        var medium = new MemoryMedium(Empty());
        disk = new byte[Size];
        new Random(7).NextBytes(disk.AsSpan(0, 3 * MiB));
        using var file = VhdFile.Open(medium, "a.vhd", VhdAccess.ReadWrite);
        file.Write(0, disk.AsSpan(0, 3 * MiB));
        file.Flush();
        return medium.ToArray();
    }

    private static byte[] ReadDisk(byte[] image)
    {
        using var file = VhdFile.Open(new MemoryMedium(image), "a.vhd", VhdAccess.Read);
        var disk = new byte[Size];
        file.Read(0, disk);
        return disk;
    }

    private static void AssertSectorsOf(byte[] disk, byte[] before, byte[] after)
    {
        for (var at = 0; at < disk.Length; at += 512)
        {
            var sector = disk.AsSpan(at, 512);
            Assert.True(sector.SequenceEqual(before.AsSpan(at, 512)) || sector.SequenceEqual(after.AsSpan(at, 512)), $"sector at {at}");
        }
    }

    /// <summary>The next writer goes on where the killed one stopped: what was there stays, a new block's unwritten part is empty.</summary>
    private static void AssertUsableAfterwards(byte[] image)
    {
        var expected = ReadDisk(image);
        var medium = new MemoryMedium(image);
        var places = new List<int>();
        using (var file = VhdFile.Open(medium, "a.vhd", VhdAccess.ReadWrite))
        {
            for (var block = 0; block < Size / (2 * MiB); block++)
            {
                var offset = (block * 2 * MiB) + 512;
                var isNew = !file.IsAllocated(block);
                file.Write(offset, Enumerable.Repeat((byte)0xAB, 512).ToArray());
                expected.AsSpan(offset, 512).Fill(0xAB);
                if (isNew)
                {
                    var entry = medium.ToArray().AsSpan((int)file.Header!.BatOffset + (block * 4));
                    places.Add((int)BinaryPrimitives.ReadUInt32BigEndian(entry) * 512);
                }
            }

            file.Repair();
        }

        Assert.True(ReadDisk(medium.ToArray()).AsSpan().SequenceEqual(expected));
        AssertNewBlocksAreEmpty(medium.ToArray(), places);
        Assert.Equal(medium.ToArray()[..512], medium.ToArray()[^512..]);
    }

    /// <summary>Readers that do not look at a dynamic image's sector bitmaps, as qemu, must not see what a killed writer left behind.</summary>
    private static void AssertNewBlocksAreEmpty(byte[] image, List<int> places)
    {
        foreach (var data in places.Select(place => place + 512))
        {
            Assert.True(image.AsSpan(data, 512).IndexOfAnyExcept((byte)0) < 0);
            Assert.True(image.AsSpan(data + 1024, (2 * MiB) - 1024).IndexOfAnyExcept((byte)0) < 0);
        }
    }
}
