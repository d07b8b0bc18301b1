namespace NovaShim.Vhd.Tests;

/// <summary>A file system that fills up under a writer: the write fails with its reason and nothing that was there is lost.</summary>
public sealed class DiskFullTests
{
    private const int MiB = 1 << 20;
    private const int Size = 8 * MiB;

    [Theory]
    [InlineData(VhdAccess.ReadWrite)]
    [InlineData(VhdAccess.Attached)]
    public void A_new_block_that_cannot_be_written_leaves_the_image_as_it_was(VhdAccess access)
    {
        for (var failing = 1; failing <= 3; failing++)
        {
            var medium = new FillingMedium();
            VhdFile.LayDynamic(medium, VhdFile.NewFooter(VhdType.Dynamic, Size, new VhdCreateOptions()), new VhdCreateOptions(), null);
            var first = Enumerable.Repeat((byte)1, 4096).ToArray();
            using (var file = VhdFile.Open(medium, "a.vhd", access))
            {
                file.Write(0, first);
                var length = medium.Length;

                // The data, the bitmap or the table entry, one after the other; then there is room again.
                medium.FailAfter(failing - 1);
                Assert.Throws<IOException>(() => file.Write(4 * MiB, first));
                Assert.Equal(length, medium.Length);
                Assert.Equal(1, file.AllocatedBlocks);
                file.Write(6 * MiB, first);
            }

            using var read = VhdFile.Open(new MemoryMedium(medium.ToArray()), "a.vhd", VhdAccess.Read);
            Assert.Equal([new VhdExtent(0, 4096), new VhdExtent(6 * MiB, 4096)], read.Extents());
            Assert.Equal(medium.ToArray()[..512], medium.ToArray()[^512..]);
        }
    }

    private sealed class FillingMedium : VhdMedium
    {
        private readonly MemoryMedium _bytes = new();
        private int _left = int.MaxValue;

        public override long Length => _bytes.Length;

        public override DateTimeOffset ChangedAt => _bytes.ChangedAt;

        /// <summary>Lets some writes pass, fails one, and lets the rest pass.</summary>
        public void FailAfter(int writes) => _left = writes;

        public byte[] ToArray() => _bytes.ToArray();

        public override void Read(long offset, Span<byte> buffer) => _bytes.Read(offset, buffer);

        public override void Write(long offset, ReadOnlySpan<byte> buffer)
        {
            if (_left-- == 0)
            {
                _left = int.MaxValue;
                throw new IOException("No space left on device");
            }

            _bytes.Write(offset, buffer);
        }

        public override void SetLength(long length) => _bytes.SetLength(length);

        public override void Flush()
        {
        }

        public override void Dispose()
        {
        }
    }
}
