namespace NovaShim.Vhd.Tests;

/// <summary>Our files read by others' programs, and theirs by us: 7zz, pyvhdi (libvhdi) and qemu-img agree with the model on every byte.</summary>
public sealed class IndependentReaderTests : IDisposable
{
    private const int MiB = 1 << 20;
    private const int Unit = 4096;

    // Prints the SHA-256 of a chain's content, its files given leaf first.
    private const string ReadWithLibvhdi = """
        import hashlib, sys, pyvhdi
        files = []
        for path in sys.argv[1:]:
            f = pyvhdi.file()
            f.open(path)
            files.append(f)
        for child, parent in zip(files, files[1:]):
            child.set_parent(parent)
        leaf, digest = files[0], hashlib.sha256()
        left = leaf.get_media_size()
        while left:
            data = leaf.read_buffer(min(left, 1 << 20))
            digest.update(data)
            left -= len(data)
        print(digest.hexdigest())
        """;

    private readonly TempFolder _folder = new();
    private readonly byte[] _model = new byte[24 * MiB];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_chain_of_ours_reads_the_same_everywhere(int depth)
    {
        var chain = OurChain(depth, seed: depth);

        Assert.Equal(Tool.Hash(_model), ReadOurs(chain[0]));
        Assert.Equal(Tool.Hash(_model), Tool.HashOfOutput("7zz", "x", "-tVHD", "-so", VisibleCopies(chain)));
        Assert.Equal(Tool.Hash(_model), Tool.Run("/usr/bin/python3", ["-c", ReadWithLibvhdi, .. chain]).Trim());
    }

    [Fact]
    public void A_relinked_chain_reads_the_same_everywhere()
    {
        var chain = OurChain(3, seed: 8);
        VhdCoalesce.Run(chain[1]);
        using (var leaf = VhdFile.Open(chain[0], VhdAccess.ReadWrite))
        {
            leaf.SetParent(chain[2]);
        }

        File.Delete(chain[1]);
        var two = new[] { chain[0], chain[2] };

        Assert.Equal(Tool.Hash(_model), ReadOurs(chain[0]));
        Assert.Equal(Tool.Hash(_model), Tool.HashOfOutput("7zz", "x", "-tVHD", "-so", VisibleCopies(two)));
        Assert.Equal(Tool.Hash(_model), Tool.Run("/usr/bin/python3", ["-c", ReadWithLibvhdi, .. two]).Trim());
    }

    [Theory]
    [InlineData(VhdType.Fixed)]
    [InlineData(VhdType.Dynamic)]
    public void A_root_of_ours_converts_to_the_same_raw_disk(VhdType type)
    {
        using (var file = type == VhdType.Fixed ? VhdFile.CreateFixed(_folder["a.vhd"], _model.Length) : VhdFile.CreateDynamic(_folder["a.vhd"], _model.Length))
        {
            WriteSome(new Random(5), file.Write, unit: 512);
        }

        Tool.Run("qemu-img", "convert", "-f", "vpc", "-O", "raw", _folder["a.vhd"], _folder["a.raw"]);

        Assert.Equal(Tool.Hash(_model), Tool.Hash(File.ReadAllBytes(_folder["a.raw"])));
        Assert.Equal(Tool.Hash(_model), Tool.HashOfOutput("7zz", "x", "-tVHD", "-so", _folder["a.vhd"]));
        Assert.Equal(Tool.Hash(_model), Tool.Run("/usr/bin/python3", "-c", ReadWithLibvhdi, _folder["a.vhd"]).Trim());
    }

    [Theory]
    [InlineData(30)]
    [InlineData(260)] // more blocks than one sector of the table holds: it moves
    public void A_grown_disk_of_ours_converts_to_the_same_raw_disk(int mebibytes)
    {
        using (var file = VhdFile.CreateDynamic(_folder["a.vhd"], _model.Length))
        {
            WriteSome(new Random(6), file.Write, unit: 512);
            file.Resize((long)mebibytes * MiB);
            file.Write(((long)mebibytes - 1) * MiB, _model.AsSpan(0, MiB));
        }

        Tool.Run("qemu-img", "convert", "-f", "vpc", "-O", "raw", _folder["a.vhd"], _folder["a.raw"]);

        var raw = File.ReadAllBytes(_folder["a.raw"]);
        Assert.Equal((long)mebibytes * MiB, raw.Length);
        Assert.True(raw.AsSpan(0, _model.Length).SequenceEqual(_model));
        Assert.True(raw.AsSpan(raw.Length - MiB).SequenceEqual(_model.AsSpan(0, MiB)));
        Assert.Equal(Tool.Hash(raw), ReadOurs(_folder["a.vhd"]));
        Assert.Equal(Tool.Hash(raw), Tool.HashOfOutput("7zz", "x", "-tVHD", "-so", _folder["a.vhd"]));
    }

    [Fact]
    public async Task A_disk_streamed_out_converts_to_the_same_raw_disk()
    {
        var leaf = OurChain(3, seed: 9)[0];
        using (var chain = VhdChain.Open(leaf))
        {
            await using var file = File.Create(_folder["flat.vhd"]);
            await VhdStreamWriter.ForDisk(chain).WriteAsync(file);
        }

        Tool.Run("qemu-img", "convert", "-f", "vpc", "-O", "raw", _folder["flat.vhd"], _folder["flat.raw"]);

        Assert.Equal(Tool.Hash(_model), Tool.Hash(await File.ReadAllBytesAsync(_folder["flat.raw"])));
    }

    [Theory]
    [InlineData("dynamic")]
    [InlineData("fixed")]
    public async Task A_disk_of_qemus_reads_the_same_here(string subformat)
    {
        WriteSome(new Random(7), (offset, data) => data.CopyTo(_model.AsSpan((int)offset)), unit: 512);
        await File.WriteAllBytesAsync(_folder["a.raw"], _model);
        Tool.Run("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", $"subformat={subformat},force_size=on", _folder["a.raw"], _folder["a.vhd"]);

        Assert.Equal(Tool.Hash(_model), ReadOurs(_folder["a.vhd"]));

        var disk = new byte[_model.Length];
        await using var source = File.OpenRead(_folder["a.vhd"]);
        var reader = await VhdStreamReader.OpenAsync(source);
        await foreach (var chunk in reader.ReadAsync())
        {
            chunk.Data.Span.CopyTo(disk.AsSpan((int)chunk.Offset));
        }

        Assert.Equal(Tool.Hash(_model), Tool.Hash(disk));
    }

    [Fact]
    public void A_disk_of_qemus_can_be_written_and_snapshotted_here()
    {
        Tool.Run("qemu-img", "create", "-f", "vpc", "-o", "force_size=on", _folder["a.vhd"], $"{_model.Length}");
        using (var file = VhdFile.Open(_folder["a.vhd"], VhdAccess.ReadWrite))
        {
            WriteSome(new Random(10), file.Write, unit: 512);
        }

        Tool.Run("qemu-img", "convert", "-f", "vpc", "-O", "raw", _folder["a.vhd"], _folder["a.raw"]);
        Assert.Equal(Tool.Hash(_model), Tool.Hash(File.ReadAllBytes(_folder["a.raw"])));

        VhdFile.CreateDifferencing(_folder["b.vhd"], _folder["a.vhd"]).Dispose();
        using (var chain = VhdChain.Open(_folder["b.vhd"], VhdAccess.ReadWrite))
        {
            WriteSome(new Random(11), chain.Write, Unit);
        }

        Assert.Equal(Tool.Hash(_model), Tool.HashOfOutput("7zz", "x", "-tVHD", "-so", _folder["b.vhd"]));
    }

    /// <summary>A chain of ours, leaf first, its parents hidden as base copies are; the model holds what it reads as.</summary>
    private string[] OurChain(int depth, int seed)
    {
        var random = new Random(seed);
        var chain = new List<string>();
        for (var i = 0; i < depth; i++)
        {
            var path = _folder[$"{i}.vhd"];
            if (i == 0)
            {
                VhdFile.CreateDynamic(path, _model.Length).Dispose();
            }
            else
            {
                VhdFile.CreateDifferencing(path, chain[0]).Dispose();
                using var parent = VhdFile.Open(chain[0], VhdAccess.ReadWrite);
                parent.SetHidden(true);
            }

            chain.Insert(0, path);
            using var disk = VhdChain.Open(path, VhdAccess.Attached);
            WriteSome(random, disk.Write, Unit);
        }

        return [.. chain];
    }

    /// <summary>7zz reads no hidden image: a copy of the chain in a folder of its own, all of it visible. Gives the leaf.</summary>
    private string VisibleCopies(string[] chain)
    {
        Directory.CreateDirectory(_folder["visible"]);
        foreach (var path in chain)
        {
            var copy = Path.Combine(_folder["visible"], Path.GetFileName(path));
            File.Copy(path, copy);
            using var file = VhdFile.Open(copy, VhdAccess.ReadWrite);
            file.SetHidden(false);
        }

        return Path.Combine(_folder["visible"], Path.GetFileName(chain[0]));
    }

    private static string ReadOurs(string path)
    {
        using var chain = VhdChain.Open(path);
        var bytes = new byte[chain.VirtualSize];
        chain.Read(0, bytes);
        return Tool.Hash(bytes);
    }

    private delegate void Writer(long offset, ReadOnlySpan<byte> data);

    /// <summary>Writes at random places, in whole units, into disk and model: some small, some over several blocks.</summary>
    private void WriteSome(Random random, Writer write, int unit)
    {
        for (var i = 0; i < 12; i++)
        {
            var units = random.Next(1, i % 4 == 0 ? 5 * MiB / unit : 20);
            var offset = random.Next((_model.Length / unit) - units) * unit;
            var data = new byte[units * unit];
            random.NextBytes(data);
            data.CopyTo(_model, offset);
            write(offset, data);
        }
    }
}
