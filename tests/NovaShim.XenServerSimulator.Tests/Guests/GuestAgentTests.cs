using System.Text;
using System.Text.Json.Nodes;
using NovaShim.XenServerSimulator.Dom0.Xenstored;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Guests.Agent;
using NovaShim.XenServerSimulator.Guests.Journal;

namespace NovaShim.XenServerSimulator.Tests.Guests;

/// <summary>The agent of a simulated guest: what it answers to what it is asked, right or wrong, and what it keeps.</summary>
public sealed class GuestAgentTests : IDisposable
{
    private const int Domid = 5;
    private const string Home = "/local/domain/5";

    private readonly HostFolder _folder = new();
    private readonly XenStore _store;
    private readonly byte[] _disk = new byte[8 << 20];
    private int _asked;

    public GuestAgentTests()
    {
        _store = new XenStore(_folder["xenstored"]);
        _store.Clear();
        _store.Introduce(Domid, "guest", "6a1b", []);
    }

    [Fact]
    public async Task It_knows_its_commands_and_an_old_one_takes_files_by_the_old_one_only()
    {
        GuestAgent today = await AgentAsync(GuestAgentKind.On), old = await AgentAsync(GuestAgentKind.Unix);
        Assert.Equal(("0", "version,features,keyinit,password,injectfile,resetnetwork,file_inject"), await AskAsync(today, "features"));
        Assert.Equal(("0", "version,features,keyinit,password,injectfile,resetnetwork"), await AskAsync(old, "features"));
        Assert.Equal(("404", "No such agent command 'file_inject'"), await AskAsync(old, "file_inject", new JsonObject()));
        Assert.Equal("0", (await AskAsync(today, "version", "agent")).Code);
    }

    [Fact]
    public async Task What_is_wrong_is_told_and_harms_nothing()
    {
        GuestAgent agent = await AgentAsync(GuestAgentKind.On);
        foreach ((string request, string code, string message) in new[]
        {
            ("no json", "500", "Request is malformed"),
            ("[1]", "500", "Request is malformed"),
            ("null", "500", "Request is malformed"),
            ("""{"value": "x"}""", "500", "Request is missing 'name' key"),
            ("""{"name": "reboot", "value": ""}""", "404", "No such agent command 'reboot'"),
            ("""{"name": "password", "value": "AAAA"}""", "500", "Password without key exchange"),
            ("""{"name": "password", "value": "?"}""", "500", "Couldn't decode base64 data"),
            ("""{"name": "injectfile", "value": "?"}""", "500", "Error doing base64 decoding of data"),
            ("""{"name": "injectfile", "value": "bm9jb21tYQ=="}""", "500", "need more than 1 value to unpack"),
            ("""{"name": "file_inject", "value": {"b64_path": "L2E="}}""", "500", "Error doing base64 decoding of data"),
            ("""{"name": "file_inject", "value": {"b64_path": "cmVsYXRpdmU=", "b64_file": ""}}""", "500", "[Errno 2] No such file or directory: ''"),
        })
        {
            Assert.Equal((code, message), await AskAsync(agent, Encoding.UTF8.GetBytes(request)));
        }

        Assert.Equal("500", (await AskAsync(agent, "keyinit", "no number")).Code);
        Assert.Equal("D0", (await AskAsync(agent, "keyinit", "12345")).Code);
        Assert.Equal(("500", "Invalid password data received"), await AskAsync(agent, "password", Convert.ToBase64String(new byte[16])));
        Assert.Empty((await FilesAsync()).All);
    }

    [Fact]
    public async Task Files_are_on_the_disk_by_either_command_and_the_last_one_stands()
    {
        GuestAgent agent = await AgentAsync(GuestAgentKind.On);
        Assert.Equal(("0", ""), await AskAsync(agent, "injectfile", Convert.ToBase64String("/etc/a,one, two"u8)));
        Assert.Equal(("0", ""), await AskAsync(agent, "file_inject", new JsonObject { ["b64_path"] = Convert.ToBase64String("/etc/b,c"u8), ["b64_file"] = "" }));
        Assert.Equal(("0", ""), await AskAsync(agent, "file_inject", new JsonObject { ["b64_path"] = Convert.ToBase64String("/etc/a"u8), ["b64_file"] = Convert.ToBase64String([0, 255]) }));

        GuestFile[] files = [.. (await FilesAsync()).All];
        Assert.Equal(["/etc/a", "/etc/b,c"], files.Select(f => f.Path));
        Assert.Equal([0, 255], files[0].Content.ToArray());
        Assert.Equal(0, files[1].Content.Length);
    }

    [Fact]
    public async Task The_disk_that_is_full_of_files_takes_no_more_and_keeps_what_it_has()
    {
        GuestAgent agent = await AgentAsync(GuestAgentKind.On);
        string answer;
        int taken = 0;
        while ((answer = (await AskAsync(agent, "injectfile", Convert.ToBase64String(Encoding.UTF8.GetBytes($"/f{taken},x")))).Code) == "0")
        {
            taken++;
        }

        Assert.Equal("500", answer);
        Assert.InRange(taken, 100, 256);
        Assert.Equal(taken, (await FilesAsync()).All.Count());
    }

    [Fact]
    public async Task The_network_is_set_up_only_when_all_of_it_is_told()
    {
        GuestAgent agent = await AgentAsync(GuestAgentKind.On);
        Tell("""{"label": "public", "ips": [{"ip": "10.0.0.2", "netmask": "255.0.0.0"}]}""");
        Assert.Equal(("500", "No MAC found in config"), await AskAsync(agent, "resetnetwork"));
        Tell("""{"label": "public", "mac": "fa:16:3e:00:00:01", "ips": []}""");
        Assert.Equal(("500", "No IPs found for interface"), await AskAsync(agent, "resetnetwork"));
        Assert.Empty((await FilesAsync()).All);

        Tell("""{"label": "public", "mac": "fa:16:3e:00:00:01", "ips": [{"ip": "10.0.0.2", "netmask": "255.0.0.0"}]}""");
        Assert.Equal(("0", ""), await AskAsync(agent, "resetnetwork"));
        GuestFile file = Assert.Single((await FilesAsync()).All);
        Assert.Equal("/etc/network/interfaces", file.Path);
        Assert.Contains("address 10.0.0.2", Encoding.UTF8.GetString(file.Content.Span), StringComparison.Ordinal);

        void Tell(string told) => _store.Write($"{Home}/vm-data/networking/fa163e000001", Encoding.UTF8.GetBytes(told));
    }

    [Fact]
    public void Nothing_is_written_for_a_domain_that_is_gone()
    {
        GuestStore guest = new(_store, Domid);
        Assert.True(guest.Write("data/guest/1", "x"u8));
        _store.Release(Domid);
        Assert.False(guest.Write("data/guest/2", "x"u8));
        Assert.Null(_store.Read(Home));
    }

    public void Dispose() => _folder.Dispose();

    private Task<(string Code, string Message)> AskAsync(GuestAgent agent, string name, JsonNode? value = null) =>
        AskAsync(agent, Encoding.UTF8.GetBytes(new JsonObject { ["name"] = name, ["value"] = value ?? "" }.ToJsonString()));

    private async Task<(string Code, string Message)> AskAsync(GuestAgent agent, byte[] request)
    {
        string id = $"request-{++_asked}";
        Assert.True(_store.Write($"{Home}/data/host/{id}", request));
        await agent.ServeAsync(CancellationToken.None);
        Assert.Null(_store.Read($"{Home}/data/host/{id}"));
        JsonNode answer = JsonNode.Parse(_store.Read($"{Home}/data/guest/{id}")!)!;
        return (answer["returncode"]!.ToString(), answer["message"]!.ToString());
    }

    private async Task<GuestAgent> AgentAsync(GuestAgentKind kind) => new(new GuestStore(_store, Domid), await FilesAsync(), kind);

    // Read from the disk anew.
    private Task<GuestFiles> FilesAsync() => GuestFiles.ReadAsync(
        (offset, into, _) =>
        {
            _disk.AsMemory((int)offset, into.Length).CopyTo(into);
            return ValueTask.CompletedTask;
        },
        (offset, data, _) =>
        {
            data.CopyTo(_disk.AsMemory((int)offset));
            return ValueTask.CompletedTask;
        },
        Superblock.Lay(_disk.Length, ringLength: null, contentLength: 0, contentHash: default),
        CancellationToken.None);
}
