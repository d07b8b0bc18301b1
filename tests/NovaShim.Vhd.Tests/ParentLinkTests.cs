using System.Buffers.Binary;

namespace NovaShim.Vhd.Tests;

/// <summary>How a child finds its parent, and how it is given another.</summary>
public sealed class ParentLinkTests : IDisposable
{
    private const int MiB = 1 << 20;

    private readonly TempFolder _folder = new();

    public ParentLinkTests()
    {
        VhdFile.CreateDynamic(_folder["root.vhd"], 4 * MiB).Dispose();
        VhdFile.CreateDifferencing(_folder["child.vhd"], _folder["root.vhd"]).Dispose();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_relinked_child_names_the_new_parent_in_every_place_and_moves_nothing()
    {
        File.Copy(_folder["root.vhd"], _folder["a-much-longer-name-than-before.vhd"]);
        File.SetLastWriteTimeUtc(_folder["a-much-longer-name-than-before.vhd"], new DateTime(2024, 5, 6, 7, 8, 9, DateTimeKind.Utc));
        var before = File.ReadAllBytes(_folder["child.vhd"]);

        using (var child = VhdFile.Open(_folder["child.vhd"], VhdAccess.ReadWrite))
        {
            child.SetParent(_folder["a-much-longer-name-than-before.vhd"]);
        }

        var after = File.ReadAllBytes(_folder["child.vhd"]);
        Assert.Equal(before.Length, after.Length);
        Assert.Equal(before[..512], after[..512]);
        Assert.Equal(before[1536..3072], after[1536..3072]);
        using var linked = VhdFile.Open(_folder["child.vhd"]);
        Assert.Equal("a-much-longer-name-than-before.vhd", linked.Header!.ParentName);
        Assert.Equal("./a-much-longer-name-than-before.vhd", linked.ParentLocator);
        Assert.Equal(_folder["a-much-longer-name-than-before.vhd"], linked.FindParent());
        Assert.Equal(new DateTimeOffset(2024, 5, 6, 7, 8, 9, TimeSpan.Zero), VhdTime.ToTime(linked.Header.ParentTimestamp));
        Assert.Equal([3072UL, 3584, 4096], linked.Header.Locators.Select(locator => locator.Offset));
    }

    [Fact]
    public void A_child_of_another_tool_without_XenServers_locators_gets_them()
    {
        var bytes = File.ReadAllBytes(_folder["child.vhd"]);
        bytes.AsSpan(512 + 576, 8 * 24).Clear();
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(512 + 36), VhdChecksum.Of(bytes.AsSpan(512, 1024), 36));
        File.WriteAllBytes(_folder["child.vhd"], bytes);
        Assert.Throws<VhdParentMissingException>(() => VhdChain.Open(_folder["child.vhd"]));

        using (var child = VhdFile.Open(_folder["child.vhd"], VhdAccess.ReadWrite))
        {
            child.SetParent(_folder["root.vhd"]);
            child.Write(2 * MiB, Enumerable.Repeat((byte)3, 512).ToArray());
        }

        using var chain = VhdChain.Open(_folder["child.vhd"]);
        var sector = new byte[512];
        chain.Read(2 * MiB, sector);
        Assert.All(sector, value => Assert.Equal(3, value));
        Assert.Empty(VhdCheck.Run(_folder["child.vhd"], new VhdCheckOptions { Parents = true }).SelectMany(result => result.Problems));
    }

    [Fact]
    public void The_link_is_relative_through_directories_and_symbolic_links()
    {
        Directory.CreateDirectory(_folder["repository/staging"]);
        Directory.CreateSymbolicLink(_folder["images"], _folder["repository/staging"]);
        File.Move(_folder["root.vhd"], _folder["repository/root.vhd"]);

        VhdFile.CreateDifferencing(_folder["images/leaf.vhd"], _folder["repository/root.vhd"]).Dispose();

        using var leaf = VhdFile.Open(_folder["images/leaf.vhd"]);
        Assert.Equal("./../root.vhd", leaf.ParentLocator);
        using var seenFromBehind = VhdChain.Open(_folder["repository/staging/leaf.vhd"]);
        Assert.Equal(2, seenFromBehind.Files.Count);
    }

    [Fact]
    public void A_renamed_parent_is_missing_until_relinked_and_another_of_its_name_is_refused()
    {
        File.Move(_folder["root.vhd"], _folder["moved.vhd"]);
        Assert.Equal("./root.vhd", Assert.Throws<VhdParentMissingException>(() => VhdChain.Open(_folder["child.vhd"])).Locator);

        VhdFile.CreateDynamic(_folder["root.vhd"], 4 * MiB).Dispose();
        Assert.Contains("invalid parent", Assert.Throws<VhdFormatException>(() => VhdChain.Open(_folder["child.vhd"])).Message, StringComparison.Ordinal);

        using (var child = VhdFile.Open(_folder["child.vhd"], VhdAccess.ReadWrite))
        {
            child.SetParent(_folder["moved.vhd"]);
        }

        VhdChain.Open(_folder["child.vhd"]).Dispose();
    }

    [Fact]
    public void What_cannot_be_linked_is_refused_and_changes_nothing()
    {
        File.WriteAllText(_folder["text.vhd"], "no image");
        var before = File.ReadAllBytes(_folder["child.vhd"]);
        using (var child = VhdFile.Open(_folder["child.vhd"], VhdAccess.ReadWrite))
        {
            Assert.Throws<FileNotFoundException>(() => child.SetParent(_folder["none.vhd"]));
            Assert.Throws<VhdFormatException>(() => child.SetParent(_folder["text.vhd"]));
            Assert.Throws<ArgumentException>(() => child.SetParent(_folder["child.vhd"]));
            var deep = _folder[string.Join('/', Enumerable.Repeat(new string('d', 100), 6))];
            Directory.CreateDirectory(deep);
            File.Copy(_folder["root.vhd"], Path.Combine(deep, "root.vhd"));
            Assert.Throws<ArgumentException>(() => child.SetParent(Path.Combine(deep, "root.vhd")));
        }

        using (var root = VhdFile.Open(_folder["root.vhd"], VhdAccess.ReadWrite))
        {
            Assert.Throws<InvalidOperationException>(() => root.SetParent(_folder["child.vhd"]));
        }

        using (var reading = VhdFile.Open(_folder["child.vhd"]))
        {
            Assert.Throws<InvalidOperationException>(() => reading.SetParent(_folder["root.vhd"]));
        }

        Assert.Equal(before, File.ReadAllBytes(_folder["child.vhd"]));
    }

    [Fact]
    public void A_raw_parent_is_not_read()
    {
        var bytes = File.ReadAllBytes(_folder["child.vhd"]);
        bytes.AsSpan(512 + 40, 16).Clear();
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(512 + 36), VhdChecksum.Of(bytes.AsSpan(512, 1024), 36));
        File.WriteAllBytes(_folder["child.vhd"], bytes);

        Assert.Contains("not a VHD", Assert.Throws<VhdFormatException>(() => VhdChain.Open(_folder["child.vhd"])).Message, StringComparison.Ordinal);
    }
}
