using CsCheck;

namespace NovaShim.Vhd.Tests;

/// <summary>Random histories of a disk against a byte array that remembers what it should hold.</summary>
public sealed class ChainModelTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public void Any_history_of_writes_snapshots_growth_and_coalescing_reads_back() =>
        Gen.Int[0, 1_000_000].Array[1, 30].Sample(
            seeds =>
            {
                using var folder = new TempFolder();
                var disk = new History(folder);
                foreach (var seed in seeds)
                {
                    disk.Step(new Random(seed));
                }

                disk.Verify();
            },
            iter: 80);

    [Fact]
    public void Any_history_survives_being_streamed_out_and_in() =>
        Gen.Int[0, 1_000_000].Array[1, 12].Sample(
            seeds =>
            {
                using var folder = new TempFolder();
                var disk = new History(folder);
                foreach (var seed in seeds)
                {
                    disk.Step(new Random(seed));
                }

                disk.VerifyStreams().GetAwaiter().GetResult();
            },
            iter: 25);

    private sealed class History(TempFolder folder)
    {
        private readonly List<string> _chain = [Root(folder["0.vhd"])];
        private byte[] _model = new byte[10 * MiB];
        private int _made;

        private string Leaf => _chain[^1];

        public void Step(Random random)
        {
            switch (random.Next(10))
            {
                case 0 or 1:
                    _chain.Add(folder[$"{++_made}.vhd"]);
                    VhdFile.CreateDifferencing(_chain[^1], _chain[^2]).Dispose();
                    break;
                case 2:
                    Grow(_model.Length + (random.Next(1, 7) * MiB) + (random.Next(4) * 512));
                    break;
                case 3 when _chain.Count >= 3:
                    CoalesceAt(random.Next(1, _chain.Count - 1));
                    break;
                default:
                    Write(random);
                    break;
            }
        }

        public void Verify()
        {
            using (var chain = VhdChain.Open(Leaf))
            {
                Assert.Equal(_chain.Count, chain.Files.Count);
                Assert.Equal(_model.Length, chain.VirtualSize);
                AssertSame(ReadAll(chain));
                var covered = new bool[(_model.Length + 511) / 512];
                foreach (var extent in chain.Extents())
                {
                    Array.Fill(covered, true, (int)(extent.Offset / 512), (int)(extent.Length / 512));
                }

                for (var sector = 0; sector < covered.Length; sector++)
                {
                    Assert.True(covered[sector] || _model.AsSpan(sector * 512, 512).IndexOfAnyExcept((byte)0) < 0);
                }
            }

            foreach (var result in VhdCheck.Run(Leaf, new VhdCheckOptions { Parents = true, Bitmaps = true }))
            {
                Assert.Empty(result.Problems);
            }
        }

        public async Task VerifyStreams()
        {
            using var chain = VhdChain.Open(Leaf);
            var raw = new MemoryStream();
            await using (var stream = new VhdStream(chain, leaveOpen: true))
            {
                await stream.CopyToAsync(raw);
            }

            AssertSame(raw.ToArray());

            var writer = VhdStreamWriter.ForDisk(chain);
            var whole = new MemoryStream();
            await writer.WriteAsync(whole);
            Assert.Equal(writer.Length, whole.Length);
            var target = new byte[_model.Length];
            await ApplyAsync(whole.ToArray(), target);
            AssertSame(target);
            await File.WriteAllBytesAsync(folder["flat.vhd"], whole.ToArray());
            using (var flat = VhdChain.Open(folder["flat.vhd"]))
            {
                AssertSame(ReadAll(flat));
            }

            Assert.Empty(VhdCheck.Run(folder["flat.vhd"]).Single().Problems);

            if (chain.Files.Count > 1)
            {
                // The parents flattened, then the leaf's own changes over them, are the disk again.
                target = new byte[_model.Length];
                using (var below = VhdChain.Open(_chain[^2]))
                {
                    var end = (int)Math.Min(below.VirtualSize, target.Length);
                    below.Read(0, target.AsSpan(0, end));
                }

                var changes = new MemoryStream();
                await VhdStreamWriter.ForChanges(chain, 1, chain.Files[1].Uuid, "below.vhd").WriteAsync(changes);
                await ApplyAsync(changes.ToArray(), target);
                AssertSame(target);
            }
        }

        private static async Task ApplyAsync(byte[] image, byte[] target)
        {
            var reader = await VhdStreamReader.OpenAsync(new OneWayStream(image));
            await foreach (var chunk in reader.ReadAsync())
            {
                chunk.Data.Span.CopyTo(target.AsSpan((int)chunk.Offset));
            }
        }

        private static string Root(string path)
        {
            VhdFile.CreateDynamic(path, 10 * MiB).Dispose();
            return path;
        }

        private static byte[] ReadAll(VhdChain chain)
        {
            var bytes = new byte[chain.VirtualSize];
            chain.Read(0, bytes);
            return bytes;
        }

        private void AssertSame(ReadOnlySpan<byte> read)
        {
            Assert.Equal(_model.Length, read.Length);
            Assert.Equal(read.Length, read.CommonPrefixLength(_model));
        }

        private void Write(Random random)
        {
            var offset = random.Next(_model.Length);
            var data = new byte[Math.Min(random.Next(1, random.Next(2) == 0 ? 3000 : 3 * MiB), _model.Length - offset)];
            random.NextBytes(data);
            using var chain = VhdChain.Open(Leaf, random.Next(2) == 0 ? VhdAccess.ReadWrite : VhdAccess.Attached);
            chain.Write(offset, data);
            data.CopyTo(_model, offset);
            var from = random.Next(_model.Length);
            var read = new byte[Math.Min(random.Next(1, 10000), _model.Length - from)];
            chain.Read(from, read);
            Assert.True(read.AsSpan().SequenceEqual(_model.AsSpan(from, read.Length)));
        }

        private void Grow(int size)
        {
            using (var file = VhdFile.Open(Leaf, VhdAccess.ReadWrite))
            {
                file.Resize(size);
            }

            Array.Resize(ref _model, size);
        }

        private void CoalesceAt(int at)
        {
            VhdCoalesce.Run(_chain[at]);
            using (var child = VhdFile.Open(_chain[at + 1], VhdAccess.ReadWrite))
            {
                child.SetParent(_chain[at - 1]);
            }

            File.Delete(_chain[at]);
            _chain.RemoveAt(at);
        }
    }
}
