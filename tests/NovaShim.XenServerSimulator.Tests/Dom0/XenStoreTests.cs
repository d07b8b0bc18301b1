using System.Text;
using NovaShim.XenServerSimulator.Dom0.Xenstored;

namespace NovaShim.XenServerSimulator.Tests.Dom0;

/// <summary>dom0's programs for XenStore, by their flags, texts and exit statuses.</summary>
public sealed class XenStoreTests : IDisposable
{
    private readonly HostFolder _folder = new();
    private readonly XenStore _store;

    public XenStoreTests()
    {
        _store = new XenStore(_folder["xenstored"]);
        _store.Clear();
    }

    [Fact]
    public void What_is_written_is_read_listed_and_removed()
    {
        Assert.Equal((0, "", ""), Run("write", "/local/domain/3/data/host/a", "one", "/local/domain/3/data/host/b", "two"));
        Assert.Equal((0, "one\ntwo\n", ""), Run("read", "/local/domain/3/data/host/a", "/local/domain/3/data/host/b"));
        Assert.Equal((0, "/local/domain/3/data/host/a: one\n", ""), Run("read", "-p", "/local/domain/3/data/host/a"));
        Assert.Equal((0, "a\nb\n", ""), Run("list", "/local/domain/3/data/host"));
        Assert.Equal((0, "/local/domain/3/data/host/a\n/local/domain/3/data/host/b\n", ""), Run("list", "-p", "-s", "/local/domain/3/data/host"));

        // What was made on the way has no value.
        Assert.Equal((0, "\n", ""), Run("read", "/local/domain/3/data"));
        Assert.Equal((0, "", ""), Run("exists", "/local/domain/3/data/host/a", "/local/domain/3"));
        Assert.Equal((1, "", ""), Run("exists", "/local/domain/3/data/host/a", "/local/domain/4"));

        Assert.Equal((0, "", ""), Run("rm", "/local/domain/3/data/host/a"));
        Assert.Equal((0, "b\n", ""), Run("list", "/local/domain/3/data/host"));

        // Twice is not once too often, as long as there is a place for it.
        Assert.Equal((0, "", ""), Run("rm", "/local/domain/3/data/host/a"));
        Assert.Equal((1, "", "xenstore-rm: could not remove path /local/domain/9/data/a\n"), Run("rm", "/local/domain/9/data/a"));
    }

    [Fact]
    public void Tidy_removal_takes_what_it_leaves_empty_and_stops_where_something_is()
    {
        Run("write", "/a/b/c/d", "x", "/a/other", "y");
        Assert.Equal((0, "", ""), Run("rm", "-t", "/a/b/c/d"));
        Assert.Equal((0, "other\n", ""), Run("list", "/a"));
    }

    [Fact]
    public async Task A_node_comes_with_its_value_and_a_value_changes_at_once()
    {
        const int nodes = 1000;
        var writing = Task.Run(() =>
        {
            for (var i = 0; i < nodes; i++)
            {
                _store.Write($"/local/n{i}", "a value"u8);
                _store.Write("/local/changing", i % 2 == 0 ? "even"u8 : "odd"u8);
            }
        });

        for (var i = 0; i < nodes; i++)
        {
            byte[]? read;
            do
            {
                read = _store.Read($"/local/n{i}");
                Assert.Matches("^(even|odd)$", Encoding.ASCII.GetString(_store.Read("/local/changing") ?? "odd"u8.ToArray()));
            }
            while (read is null && !writing.IsFaulted);

            Assert.Equal("a value", Encoding.ASCII.GetString(read ?? []));
        }

        await writing;
        Assert.Empty(Directory.GetFileSystemEntries(_folder["xenstored/coming"]));
    }

    [Fact]
    public void What_is_not_there_or_cannot_be_is_refused()
    {
        Assert.Equal((1, "", "xenstore-read: couldn't read path /nowhere\n"), Run("read", "/nowhere"));
        Assert.Equal((1, "", "xenstore-list: could not list path /nowhere\n"), Run("list", "/nowhere"));
        foreach (var path in new[] { "relative", "/a//b", "/a/../b", "/a/$(b)", "/a/b/", "/ü", "/" + new string('x', 4000) })
        {
            Assert.Equal((1, "", $"xenstore-write: could not write path {path}\n"), Run("write", path, "x"));
            Assert.Equal(1, Run("rm", path).Exit);
        }

        Assert.Equal(1, Run("rm", "/").Exit);
        foreach (var wrong in new string[][] { ["read"], ["write", "/a"], ["read", "-x", "/a"], ["list"], ["rm", "-p", "/a"], ["exists"] })
        {
            var (exit, output, error) = Run(wrong[0], wrong[1..]);
            Assert.Equal((1, ""), (exit, output));
            Assert.StartsWith($"xenstore-{wrong[0]}: Usage: xenstore-{wrong[0]} [-h]", error, StringComparison.Ordinal);
        }

        Assert.Equal((0, "", ""), Run("list", "/"));
    }

    [Fact]
    public void One_message_holds_4096_bytes_with_its_path()
    {
        const string path = "/local/domain/1/data/host/a";
        Assert.Equal(0, Run("write", path, new string('x', 4096 - path.Length - 1)).Exit);
        Assert.Equal((1, "", $"xenstore-write: could not write path {path}\n"), Run("write", path, new string('y', 4096 - path.Length)));
        Assert.Equal(new string('x', 4096 - path.Length - 1) + "\n", Run("read", path).Out);
    }

    [Theory]
    [InlineData("plain {\"json\": 'x'}", "plain {\"json\": 'x'}")]
    [InlineData("a\tb\nc\rd", @"a\tb\nc\rd")]
    [InlineData(@"C:\new", @"C:\\new")]
    [InlineData("\u0001" + "2\u0001x\u007f", @"\0012\1x\177")]
    [InlineData("ü", @"\303\274")]
    public void Every_byte_is_shown_so_that_it_can_be_written_again(string value, string shown)
    {
        Assert.Equal(shown, XenStoreText.Show(Encoding.UTF8.GetBytes(value)));
        Run("write", "/v", shown);
        Assert.Equal(value, Encoding.UTF8.GetString(_store.Read("/v")!));
        Assert.Equal(shown + "\n", Run("read", "/v").Out);
    }

    [Fact]
    public void A_domain_has_its_place_only_while_it_lives()
    {
        _store.Introduce(7, "name with spaces", "6a1b", [KeyValuePair.Create("vm-data/hostname", "h"), KeyValuePair.Create("elsewhere", "hidden")]);
        Assert.Equal("/vm/6a1b\n", Run("read", "/local/domain/7/vm").Out);
        Assert.Equal("h\n", Run("read", "/local/domain/7/vm-data/hostname").Out);
        Assert.Equal(1, Run("exists", "/local/domain/7/elsewhere").Exit);

        _store.Release(7);
        Assert.Equal(1, Run("exists", "/local/domain/7").Exit);
    }

    public void Dispose() => _folder.Dispose();

    private (int Exit, string Out, string Error) Run(string mode, params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        var exit = XenStoreProgram.Run("xenstore-" + mode, _store, arguments, output, error);
        return (exit, output.ToString(), error.ToString());
    }
}
