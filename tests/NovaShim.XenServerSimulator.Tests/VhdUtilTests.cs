using NovaShim.Vhd;
using NovaShim.XenServerSimulator.Dom0.VhdUtil;

namespace NovaShim.XenServerSimulator.Tests;

/// <summary>vhd-util's texts and exit codes, as the real one's were observed.</summary>
public sealed class VhdUtilTests : IDisposable
{
    private const int MiB = 1 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("vhd-util-").FullName;

    private string Root => Path.Combine(_folder, "root.vhd");

    private string Base => Path.Combine(_folder, "base.vhd");

    private string Leaf => Path.Combine(_folder, "leaf.vhd");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Create_makes_an_empty_disk_of_an_even_number_of_megabytes()
    {
        Expect(0, "", "create", "-n", Root, "-s", "63");

        Expect(0, $"64\n3584\n{Root} has no parent\nhidden: 0\nmarker: 0\nchain depth: 1\n0\n64\n", "query", "-n", Root, "-S", "-a", "-d", "-m", "-f", "-p", "-s", "-v");
        Assert.Equal(3584, new FileInfo(Root).Length);
    }

    [Fact]
    public void Create_makes_a_fixed_disk_and_one_with_room_to_grow()
    {
        Expect(0, "", "create", "-n", Root, "-s", "2", "-r");
        Assert.Equal(2097664, new FileInfo(Root).Length);

        Expect(0, "", "create", "-n", Base, "-s", "10", "-S", "2000");
        Expect(0, "10\n2000\n", "query", "-n", Base, "-vS");
    }

    [Fact]
    public void Snapshot_skips_empty_differencing_parents_unless_told_otherwise()
    {
        Chain();
        var second = Path.Combine(_folder, "second.vhd");

        Expect(0, "", "snapshot", "-n", second, "-p", Leaf);
        Expect(0, $"{Base}\nchain depth: 3\n", "query", "-n", second, "-pd");
        Expect(0, "", "snapshot", "-n", second, "-p", Leaf, "-e");
        Expect(0, $"{Leaf}\nchain depth: 4\n", "query", "-n", second, "-pd");
        Assert.Equal(28, Run(out _, "snapshot", "-n", second, "-p", Leaf, "-e", "-l", "3"));
    }

    [Fact]
    public void Query_answers_in_its_own_order()
    {
        Chain();
        Expect(0, "", "set", "-n", Base, "-f", "hidden", "-v", "1");

        Expect(0, $"64\n5120\n{Base}\nhidden: 0\nmarker: 0\nchain depth: 3\n0\n64\n", "query", "-n", Leaf, "-vspfmdaS");
        Expect(0, $"{Root}\nhidden: 1\n1\n", "query", "-afp", "-n", Base);
        Expect(0, "./base.vhd\n", "query", "-n", Leaf, "-pu");
    }

    [Fact]
    public void A_child_without_its_parent_cannot_be_asked_for_it_until_it_is_relinked()
    {
        Chain();
        File.Move(Base, Path.Combine(_folder, "renamed.vhd"));

        Expect(2, "query failed\n", "query", "-n", Leaf, "-p");
        Assert.Equal(2, Run(out var output, "check", "-n", Leaf, "-p"));
        Assert.StartsWith($"error resolving ./base.vhd: -2\n{Leaf} appears invalid; dumping metadata\n", output, StringComparison.Ordinal);
        Assert.Equal(2, Run(out _, "query", "-n", Leaf, "-d"));
        Expect(0, "", "modify", "-n", Leaf, "-p", Path.Combine(_folder, "renamed.vhd"));
        Expect(0, $"{Path.Combine(_folder, "renamed.vhd")}\n", "query", "-n", Leaf, "-p");
        Expect(0, $"{Leaf} is valid\n{Path.Combine(_folder, "renamed.vhd")} is valid\n{Root} is valid\n", "check", "-n", Leaf, "-p");
    }

    [Fact]
    public void A_chain_may_move_as_a_whole()
    {
        Chain();
        Directory.CreateDirectory(Path.Combine(_folder, "elsewhere"));
        foreach (var path in new[] { Leaf, Base, Root })
        {
            File.Move(path, Path.Combine(_folder, "elsewhere", Path.GetFileName(path)));
        }

        Expect(0, $"{Path.Combine(_folder, "elsewhere", "base.vhd")}\nchain depth: 3\n", "query", "-n", Path.Combine(_folder, "elsewhere", "leaf.vhd"), "-pd");
    }

    [Fact]
    public void Modify_says_why_it_failed()
    {
        Chain();

        Expect(2, "failed to set parent to '/none/x.vhd': -2\n", "modify", "-n", Leaf, "-p", "/none/x.vhd");
        Expect(22, $"failed to set parent to '{Leaf}': -22\n", "modify", "-n", Root, "-p", Leaf);
        Expect(0, $"{Base}\n", "query", "-n", Leaf, "-p");
    }

    [Fact]
    public void Set_knows_hidden_alone()
    {
        Chain();

        Expect(0, "", "set", "-n", Leaf, "-f", "hidden", "-v", "1");
        Expect(0, "hidden: 1\n", "query", "-n", Leaf, "-f");
        Expect(0, "", "set", "-n", Leaf, "-f", "hidden", "-v", "0");
        Expect(0, "hidden: 0\n", "query", "-n", Leaf, "-f");
        Assert.Equal(22, Run(out _, "set", "-n", Leaf, "-f", "colour", "-v", "1"));
    }

    [Fact]
    public void Check_finds_a_footer_from_the_future()
    {
        VhdFile.CreateDynamic(Root, 64 * MiB, new VhdCreateOptions { Time = new Ahead(TimeSpan.FromMinutes(40)) }).Dispose();
        VhdFile.CreateDynamic(Base, 64 * MiB, new VhdCreateOptions { Time = new Ahead(TimeSpan.FromMinutes(20)) }).Dispose();

        Assert.Equal(22, Run(out var output, "check", "-n", Root));
        Assert.StartsWith($"primary footer invalid: creation time in future\n{Root} appears invalid; dumping metadata\n", output, StringComparison.Ordinal);
        Expect(0, $"{Root} is valid\n", "check", "-n", Root, "-t");
        Expect(0, $"{Base} is valid\n", "check", "-n", Base);
    }

    [Fact]
    public void Check_finds_an_unclosed_file_and_repair_mends_it()
    {
        Chain();
        using (var file = File.OpenWrite(Base))
        {
            file.Seek(-512, SeekOrigin.End);
            file.Write(Enumerable.Repeat((byte)0xC7, 512).ToArray());
        }

        Assert.Equal(22, Run(out var output, "check", "-n", Base));
        Assert.StartsWith("primary footer invalid: invalid cookie\n", output, StringComparison.Ordinal);
        Expect(0, $"{Base} is valid\n", "check", "-n", Base, "-i");
        Expect(0, "", "repair", "-n", Base);
        Expect(0, $"{Base} is valid\n", "check", "-n", Base, "-b");
    }

    [Fact]
    public void Check_finds_a_parent_of_another_uuid_and_a_broken_checksum()
    {
        Chain();
        Expect(0, "", "create", "-n", Root, "-s", "64");

        Assert.Equal(22, Run(out var output, "check", "-n", Leaf, "-p"));
        Assert.StartsWith($"{Leaf} is valid\ninvalid parent {Root}: invalid parent uuid\n{Base} appears invalid", output, StringComparison.Ordinal);

        using (var file = File.OpenWrite(Root))
        {
            file.Seek(-512 + 20, SeekOrigin.End);
            file.WriteByte(1);
        }

        Assert.Equal(22, Run(out output, "check", "-n", Root));
        Assert.StartsWith("primary footer invalid: invalid checksum\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_finds_footers_that_differ()
    {
        Chain();
        var bytes = File.ReadAllBytes(Base);
        Expect(0, "", "set", "-n", Base, "-f", "hidden", "-v", "1");
        File.ReadAllBytes(Base).AsSpan(0, 512).CopyTo(bytes);
        File.WriteAllBytes(Base, bytes);

        Assert.Equal(22, Run(out var output, "check", "-n", Base));
        Assert.StartsWith("primary and backup footers do not match\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Coalesce_merges_into_the_parent_and_relinks_nothing()
    {
        Chain();
        using (var chain = VhdChain.Open(Leaf, VhdAccess.ReadWrite))
        {
            chain.Write(6 * MiB, Enumerable.Repeat((byte)9, 4096).ToArray());
        }

        Expect(0, "Coalesced 8 sectors", "coalesce", "-n", Leaf);
        Expect(0, $"{Base}\n", "query", "-n", Leaf, "-p");
        using var parent = VhdFile.Open(Base);
        Assert.Equal([new VhdExtent(0, MiB), new VhdExtent(6 * MiB, 4096)], parent.Extents());
    }

    [Fact]
    public void Resize_only_grows()
    {
        Chain();

        Expect(38, "dynamic shrink not fully implemented\nresize failed: -38\n", "resize", "-n", Leaf, "-s", "32", "-j", Path.Combine(_folder, "journal"));
        Expect(22, "resize failed: -22\n", "resize", "-n", Leaf, "-s", "1000", "-f");
        Expect(0, "", "resize", "-n", Leaf, "-s", "1000", "-j", Path.Combine(_folder, "journal"));
        Expect(0, "1000\n", "query", "-n", Leaf, "-v");
        Expect(0, $"{Leaf} is valid\n{Base} is valid\n{Root} is valid\n", "check", "-n", Leaf, "-p");
    }

    [Fact]
    public void Scan_lists_what_the_glob_matches()
    {
        Chain();
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "not looked at");
        var all = Path.Combine(_folder, "*.vhd");
        var size = new FileInfo(Base).Length;
        var @base = $"vhd={Base} capacity=67108864 size={size} hidden=0 parent=root.vhd\n";
        var leaf = $"vhd={Leaf} capacity=67108864 size=5120 hidden=0 parent=base.vhd\n";
        var root = $"vhd={Root} capacity=67108864 size=3584 hidden=0 parent=none\n";

        Expect(0, @base + leaf + root, "scan", "-f", "-m", all);
        Expect(0, root + "   " + @base + "      " + leaf, "scan", "-f", "-p", "-m", all);

        File.Delete(Root);
        Expect(0, @base + leaf, "scan", "-f", "-m", all);
        File.WriteAllText(Path.Combine(_folder, "broken.vhd"), "no image");
        var broken = $"vhd={Path.Combine(_folder, "broken.vhd")} scan-error=-22 error-message='opening file'\n";
        Expect(22, @base + broken + leaf, "scan", "-f", "-c", "-m", all);
        Expect(22, @base + broken, "scan", "-f", "-m", all);
    }

    [Fact]
    public void Read_shows_footer_and_header()
    {
        Chain();

        Assert.Equal(0, Run(out var output, "read", "-n", Leaf, "-p"));
        Assert.Contains("Parent name         : base.vhd\n", output, StringComparison.Ordinal);
        Assert.Contains("Current disk size   : 64 MB (67108864 Bytes)\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void No_file_and_no_image_are_told_apart()
    {
        var text = Path.Combine(_folder, "text.vhd");
        File.WriteAllText(text, new string('x', 5000));

        foreach (var arguments in new[] { ["query", "-v"], ["read", "-p"], ["repair"], ["coalesce"], ["set", "-f", "hidden", "-v", "1"], new[] { "resize", "-s", "4", "-f" } })
        {
            Expect(2, $"error opening {Leaf}: -2\n", [arguments[0], "-n", Leaf, .. arguments[1..]]);
            Expect(22, $"error opening {text}: -22\n", [arguments[0], "-n", text, .. arguments[1..]]);
        }

        Expect(2, $"error opening {Leaf}: -2\n", "check", "-n", Leaf);
        Expect(2, $"error opening {Root}: -2\n", "snapshot", "-n", Leaf, "-p", Root);
        Assert.False(File.Exists(Leaf));
    }

    [Theory]
    [InlineData]
    [InlineData("explode")]
    [InlineData("query")]
    [InlineData("query", "-n")]
    [InlineData("query", "-n", "x", "-Z")]
    [InlineData("create", "-n", "x", "-s", "many")]
    [InlineData("create", "-n", "x", "-s", "99999999")]
    public void Flags_that_make_no_sense_are_refused(params string[] arguments) => Assert.Equal(22, Run(out _, arguments));

    /// <summary>root (empty, dynamic) ← base (1 MiB written) ← leaf (empty), 64 MB each.</summary>
    private void Chain()
    {
        Expect(0, "", "create", "-n", Root, "-s", "64");
        Expect(0, "", "snapshot", "-n", Base, "-p", Root);
        using (var chain = VhdChain.Open(Base, VhdAccess.ReadWrite))
        {
            chain.Write(0, Enumerable.Repeat((byte)5, MiB).ToArray());
        }

        Expect(0, "", "snapshot", "-n", Leaf, "-p", Base);
    }

    private static void Expect(int exit, string output, params string[] arguments)
    {
        var actual = Run(out var printed, arguments);
        Assert.Equal(output, printed);
        Assert.Equal(exit, actual);
    }

    private static int Run(out string output, params string[] arguments)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var exit = VhdUtilProgram.Run(arguments, writer);
        output = writer.ToString();
        return exit;
    }

    private sealed class Ahead(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
