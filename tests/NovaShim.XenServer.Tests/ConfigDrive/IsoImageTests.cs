using System.Text;
using NovaShim.XenServer.ConfigDrive;

namespace NovaShim.XenServer.Tests.ConfigDrive;

/// <summary>The image of a config drive, as programs of others read it.</summary>
public sealed class IsoImageTests : IDisposable
{
    private static readonly DateTime Time = new(2026, 2, 3, 4, 5, 6, DateTimeKind.Utc);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("novashim-isoimage-");

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<string, string[]> Trees => new()
    {
        { "a config drive's", ["openstack/latest/meta_data.json", "openstack/latest/user_data", "openstack/2012-08-10/meta_data.json", "openstack/2018-08-27/meta_data.json", "openstack/content/0000", "openstack/content/0001"] },
        { "none", [] },
        { "one", ["a"] },
        { "odd names", ["ünïcödé 漢字.txt", "Ω/ß.ä", "two..points", ".hidden", "blank s/a b", "a+b=c, (d) [e] {f} 'g' \"h\" <i> | & ~ # $ %", "-", "_", "...a"] },
        { "names alike", ["a.b.c", "a_b.c", "readme.json1", "Upper", "upper2", "long-long-long-long-long-long-long-1.json", "long-long-long-long-long-long-long-2.json", "x.y1", "x.y", "x1.y", "a/same", "b/same"] },
        { "the longest names", [new string('n', 64), new string('m', 64) + "/" + new string('k', 64), string.Concat(Enumerable.Repeat("漢", 42))] },
        { "deep", ["1/2/3/4/5/6/7/8", "1/2/3/4/5/6/7/9", "1/x"] },
        { "more than a sector of names", [.. Enumerable.Range(0, 300).Select(i => $"many/file number {i}.json"), .. Enumerable.Range(0, 300).Select(i => $"folder {i}/f")] },
    };

    [Theory]
    [MemberData(nameof(Trees))]
    public void Every_reader_finds_every_file_under_its_name_with_its_content(string what, string[] paths)
    {
        var files = Files(paths);
        var image = Image(files.Select(f => new DriveFile(f.Key, f.Value)));

        Assert.Equal(("config-2", "iso9660"), (DiskReader.Probe(image)["LABEL"], DiskReader.Probe(image)["TYPE"]));

        // Rock Ridge.
        Same(files, DiskReader.FilesOf(image), what);
        Assert.Equal(files.Keys.Order(StringComparer.Ordinal), Listed(image, "-R").Where(p => files.ContainsKey(p)).Order(StringComparer.Ordinal));

        // Joliet.
        Same(files, DiskReader.FilesOf(image, joliet: true), what);
        var zip = Directory.CreateDirectory(Path.Combine(_folder.FullName, "7z"));
        DiskReader.Run("7zz", "x", "-tISO", "-y", "-bd", "-o" + zip.FullName, image);
        Same(files, DiskReader.FilesIn(zip.FullName), what);

        // Neither: each file has a name of its own there, in letters that every reader knows.
        var plain = Listed(image);
        Assert.Equal(plain.Count, plain.Distinct(StringComparer.Ordinal).Count());
        Assert.All(plain, p => Assert.Matches(@"^([A-Z0-9_]{1,31}/)*[A-Z0-9_]{0,30}(\.[A-Z0-9_]{0,8};1)?$", p));
        var contents = plain.Where(p => p.EndsWith(";1", StringComparison.Ordinal)).Select(p => Convert.ToHexString(DiskReader.Bytes("isoinfo", "-i", image, "-x", "/" + p))).Take(20).ToList();
        Assert.All(contents, c => Assert.Contains(c, files.Values.Select(Convert.ToHexString)));
        Assert.Equal(files.Count, plain.Count(p => p.EndsWith(";1", StringComparison.Ordinal)));
    }

    [Fact]
    public void Files_may_be_empty_or_large_and_the_image_is_whole_sectors()
    {
        var large = new byte[(1 << 20) + 1];
        new Random(1).NextBytes(large);
        var files = new Dictionary<string, byte[]> { ["empty"] = [], ["f/empty too"] = [], ["large"] = large, ["one sector"] = large[..2048], ["z"] = [] };

        var image = Image(files.Select(f => new DriveFile(f.Key, f.Value)));

        Assert.Equal(0, new FileInfo(image).Length % 2048);
        Same(files, DiskReader.FilesOf(image), "sizes");
        Assert.Equal(large, DiskReader.Bytes("isoinfo", "-R", "-i", image, "-x", "/large"));
        Assert.Contains("Volume size is: " + (new FileInfo(image).Length / 2048), DiskReader.Run("isoinfo", "-d", "-i", image), StringComparison.Ordinal);
        Assert.Contains("2026", DiskReader.Run("isoinfo", "-R", "-l", "-i", image), StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_shows_root_as_the_owner_and_can_be_written_by_nobody()
    {
        var image = Image([new DriveFile("a/b", new byte[] { 1 })]);

        var listed = DiskReader.Run("bsdtar", "-t", "-v", "--numeric-owner", "-f", image).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(3, listed.Length);
        Assert.All(listed, l => Assert.Matches(@"^(dr-xr-xr-x|-r--r--r--) +\d+ 0 +0 ", l));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a/../b")]
    [InlineData("./a")]
    [InlineData("a.")]
    [InlineData("a\nb")]
    [InlineData("what?")]
    [InlineData("a;1")]
    [InlineData("1/2/3/4/5/6/7/8/9")]
    public void A_path_that_cannot_be_on_an_image_is_refused(string path) => Assert.Throws<ArgumentException>(() => IsoImage.Write("config-2", [new DriveFile(path, new byte[1])], Time));

    [Fact]
    public void Two_files_of_a_name_and_names_too_long_are_refused()
    {
        Assert.Throws<ArgumentException>(() => IsoImage.Write("config-2", [new DriveFile("a", new byte[1]), new DriveFile("a", new byte[1])], Time));
        Assert.Throws<ArgumentException>(() => IsoImage.Write("config-2", [new DriveFile("a", new byte[1]), new DriveFile("a/b", new byte[1])], Time));
        Assert.Throws<ArgumentException>(() => IsoImage.Write("config-2", [new DriveFile(new string('n', 65), new byte[1])], Time));
        Assert.Throws<ArgumentException>(() => IsoImage.Write("config-2", [new DriveFile(string.Concat(Enumerable.Repeat("漢", 43)), new byte[1])], Time));
    }

    private static Dictionary<string, byte[]> Files(string[] paths) => paths.ToDictionary(p => p, p => Encoding.UTF8.GetBytes($"This is {p}.\n"));

    private static void Same(Dictionary<string, byte[]> expected, Dictionary<string, byte[]> found, string what)
    {
        Assert.True(expected.Keys.ToHashSet().SetEquals(found.Keys), $"{what}: expected {string.Join(", ", expected.Keys)}; found {string.Join(", ", found.Keys)}");
        Assert.All(expected, f => Assert.Equal(f.Value, found[f.Key]));
    }

    private static List<string> Listed(string image, params string[] how) =>
        [.. DiskReader.Run("isoinfo", ["-f", .. how, "-i", image]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l[1..])];

    private string Image(IEnumerable<DriveFile> files)
    {
        var path = Path.Combine(_folder.FullName, "image.iso");
        File.WriteAllBytes(path, IsoImage.Write("config-2", files, Time));
        return path;
    }
}
