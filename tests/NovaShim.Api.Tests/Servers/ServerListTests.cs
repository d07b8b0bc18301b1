using System.Text.Json.Nodes;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.Servers;

public sealed class ServerListTests : IAsyncLifetime
{
    private Face _face = null!;

    public async Task InitializeAsync()
    {
        _face = await Face.StartAsync();
        await _face.AddServerAsync("alice", "web-1");
        await _face.AddServerAsync("alice", "web-2", VmStates.Error, flavorId: "3");
        await _face.AddServerAsync("alice", "db", VmStates.Resized, i => i with { Addresses = ["10.0.0.77"], Host = "xen2", ReservationId = "r-2", ConfigDrive = true });
        await _face.AddServerAsync("alice", "gone", VmStates.Deleted, i => i with { Deleted = true });
        await _face.AddServerAsync("bob", "bob's");
    }

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("alice", "", "db web-2 web-1")]
    [InlineData("alice", "?fresh=1234.5", "db web-2 web-1")]
    [InlineData("alice", "?name=web", "web-2 web-1")]
    [InlineData("alice", "?name=^web-[12]$", "web-2 web-1")]
    [InlineData("alice", "?name=5", "")]
    [InlineData("alice", "?status=ACTIVE", "web-1")]
    [InlineData("alice", "?status=verify_resize", "db")]
    [InlineData("alice", "?status=ACTIVE&status=ERROR", "web-2 web-1")]
    [InlineData("alice", "?status=PAUSED", "")]
    [InlineData("alice", "?uuid=passed-over", "db web-2 web-1")]
    [InlineData("alice", "?metadata=passed-over", "db web-2 web-1")]
    [InlineData("alice", "?tags=passed-over", "db web-2 web-1")]
    [InlineData("alice", "?sort_key=display_name&sort_dir=asc", "db web-1 web-2")]
    [InlineData("alice", "?sort_key=display_name&sort_dir=desc&limit=2", "web-2 web-1")]
    [InlineData("alice", "?sort_key=display_name", "web-2 web-1 db")]
    [InlineData("alice", "?sort_key=instance_type_id&sort_key=display_name&sort_dir=asc&sort_dir=desc", "web-1 db web-2")]
    [InlineData("alice", "?sort_key=kernel_id&sort_dir=asc", "db web-2 web-1")]
    [InlineData("admin", "?all_tenants=1&sort_key=host&sort_dir=desc&sort_key=display_name&sort_dir=asc", "db bob's web-1 web-2")]
    [InlineData("admin", "?all_tenants=1&status=DELETED", "gone")]
    [InlineData("admin", "?all_tenants=1&power_state=1&name=web", "web-2 web-1")]
    [InlineData("admin", "?all_tenants=1&key_name=none", "")]
    [InlineData("admin", "?all_tenants=1&config_drive=True", "db")]
    [InlineData("admin", "?all_tenants=1&config_drive=False", "")]
    [InlineData("alice", "?config_drive=True", "db web-2 web-1")]
    [InlineData("alice", "?flavor=3", "web-2")]
    [InlineData("alice", "?flavor=http://x/v1.1/t/flavors/3", "web-2")]
    [InlineData("alice", "?image=70a599e0-31e7-49b7-b260-868f441e862b&name=db", "db")]
    [InlineData("alice", "?image=other", "")]
    [InlineData("alice", "?ip=10.0.0.77", "db")]
    [InlineData("alice", "?reservation_id=r-2", "db")]
    [InlineData("alice", "?host=xen2", "db web-2 web-1")]
    [InlineData("alice", "?deleted=true", "db web-2 web-1")]
    [InlineData("alice", "?changes-since=2001-01-01T00:00:00Z", "gone db web-2 web-1")]
    [InlineData("alice", "?changes-since=2999-01-01T00:00:00Z", "")]
    [InlineData("alice", "?tenant_id=anything", "db web-2 web-1")]
    [InlineData("alice", "?all_tenants=0", "db web-2 web-1")]
    [InlineData("bob", "", "bob's")]
    [InlineData("admin", "", "")]
    [InlineData("admin", "?all_tenants=1", "bob's db web-2 web-1")]
    [InlineData("admin", "?all_tenants", "bob's db web-2 web-1")]
    [InlineData("admin", "?all_tenants=True&host=xen2", "db")]
    [InlineData("admin", "?all_tenants=1&deleted=true", "gone")]
    public async Task Filters_select(string user, string query, string names)
    {
        foreach (var path in new[] { "v2.1:/servers", "v1.1:/servers/detail" })
        {
            var reply = await _face.SendAsync(user, "GET", path + query);
            Assert.Equal(200, reply.Status);
            Assert.Equal(names, string.Join(' ', reply.Json!["servers"]!.AsArray().Select(s => s!["name"]!.GetValue<string>())));
        }
    }

    [Theory]
    [InlineData("alice", "?limit=-1", 400)]
    [InlineData("alice", "?limit=one", 400)]
    [InlineData("alice", "?limit=99999999999", 400)]
    [InlineData("alice", "?marker=no-such", 400)]
    [InlineData("alice", "?changes-since=yesterday", 400)]
    [InlineData("alice", "?name=(", 400)]
    [InlineData("alice", "?name=(a)%5C1", 400)]
    [InlineData("alice", "?all_tenants=perhaps", 400)]
    [InlineData("alice", "?all_tenants=1", 403)]
    [InlineData("alice", "?status=DELETED", 403)]
    [InlineData("alice", "?sort_key=colour", 400)]
    [InlineData("alice", "?sort_key=display_name&sort_dir=up", 400)]
    [InlineData("alice", "?sort_key=host", 403)]
    [InlineData("admin", "?metadata=x", 400)]
    [InlineData("admin", "?_sa_instance_state=x", 400)]
    public async Task Filters_that_cannot_be_are_refused(string user, string query, int status) => Assert.Equal(status, (await _face.SendAsync(user, "GET", "v2.1:/servers" + query)).Status);

    [Fact]
    public async Task A_full_page_links_to_the_next_and_following_the_links_shows_each_server_once()
    {
        var names = new List<string>();
        var next = "v2.1:/servers?limit=2&name=.&fresh=1";
        var pages = 0;
        while (next is not null)
        {
            var reply = await _face.SendAsync("alice", "GET", next);
            Assert.Equal(200, reply.Status);
            pages++;
            names.AddRange(reply.Json!["servers"]!.AsArray().Select(s => s!["name"]!.GetValue<string>()));
            var link = reply.Json["servers_links"]?[0];
            Assert.Equal(link is null ? null : "next", link?["rel"]?.GetValue<string>());
            next = link?["href"]!.GetValue<string>();
        }

        Assert.Equal(["db", "web-2", "web-1"], names);
        Assert.Equal(2, pages);
    }

    [Fact]
    public async Task A_status_that_there_is_not_finds_nothing_today_and_was_refused_in_2011()
    {
        Assert.Empty((await _face.SendAsync("alice", "GET", "v2.1:/servers?status=NO_SUCH_STATUS")).Json!["servers"]!.AsArray());
        foreach (var surface in new[] { "v1.1", "v2" })
        {
            Assert.Equal((400, "Invalid server status: NO_SUCH_STATUS"), await _face.SendAsync("alice", "GET", surface + ":/servers?status=no_such_status") is var r ? (r.Status, r.Fault.Message) : default);
        }
    }

    [Fact]
    public async Task Sorted_pages_show_each_server_once()
    {
        var names = new List<string>();
        for (var next = "v2.1:/servers?limit=1&sort_key=vm_state&sort_dir=asc"; next is not null;)
        {
            var reply = await _face.SendAsync("alice", "GET", next);
            names.AddRange(reply.Json!["servers"]!.AsArray().Select(s => s!["name"]!.GetValue<string>()));
            next = reply.Json["servers_links"]?[0]!["href"]!.GetValue<string>();
        }

        Assert.Equal(["web-1", "web-2", "db"], names);
    }

    [Fact]
    public async Task An_update_changes_what_may_be_changed_and_nothing_else()
    {
        var server = await _face.AddServerAsync("alice", "before");
        var at = $"/servers/{server.Uuid}";
        foreach (var body in new[] { """{"server": {"name": "x", "metadata": {}}}""", """{"server": {"flavorRef": "1"}}""", """{"server": {"name": ""}}""", """{"server": {"accessIPv4": "x"}}""", """{"server": "x"}""", "{}" })
        {
            Assert.Equal(400, (await _face.SendAsync("alice", "PUT", "v2.1:" + at, body)).Status);
        }

        Assert.Equal(200, (await _face.SendAsync("alice", "PUT", "v1.1:" + at, """{"server": {"accessIPv4": "10.1.2.3", "unheard-of": 1}}""")).Status);
        var changed = await _face.SendAsync("alice", "PUT", "v2.1:" + at, """{"server": {"name": "after", "OS-DCF:diskConfig": "AUTO"}}""");
        Assert.Equal(("after", "AUTO", "10.1.2.3"), changed.Json!["server"] is { } s ? (s["name"]!.GetValue<string>(), s["OS-DCF:diskConfig"]!.GetValue<string>(), s["accessIPv4"]!.GetValue<string>()) : default);
    }

    [Fact]
    public async Task A_page_that_is_exactly_full_has_the_link_too_and_a_limit_of_0_asked_for_the_largest_in_2011_and_asks_for_none_today()
    {
        var reply = await _face.SendAsync("alice", "GET", "v2.1:/servers?limit=3");
        Assert.NotNull(reply.Json!["servers_links"]);
        foreach (var (surface, count) in new[] { ("v1.1", 3), ("v2.1", 0) })
        {
            reply = await _face.SendAsync("alice", "GET", surface + ":/servers?limit=0");
            Assert.Equal(count, reply.Json!["servers"]!.AsArray().Count);
            Assert.Null(reply.Json["servers_links"]);
        }
    }

    [Fact]
    public async Task Another_tenants_server_is_no_marker_and_is_nowhere()
    {
        var bobs = (await _face.SendAsync("bob", "GET", "v2.1:/servers")).Json!["servers"]![0]!["id"]!.GetValue<string>();
        Assert.Equal(400, (await _face.SendAsync("alice", "GET", $"v2.1:/servers?marker={bobs}")).Status);
        foreach (var (method, path, body) in new[]
        {
            ("GET", "", null), ("PUT", "", """{"server": {"name": "mine"}}"""), ("DELETE", "", null), ("GET", "/ips", null), ("GET", "/metadata", null),
            ("POST", "/metadata", """{"metadata": {"k": "v"}}"""), ("PUT", "/metadata", """{"metadata": {}}"""), ("PUT", "/metadata/k", """{"meta": {"k": "v"}}"""), ("DELETE", "/metadata/k", null),
            ("POST", "/action", """{"resize": {"flavorRef": "3"}}"""), ("POST", "/action", """{"confirmResize": null}"""), ("POST", "/action", """{"revertResize": null}"""),
            ("POST", "/action", """{"reboot": {"type": "HARD"}}"""), ("GET", "/os-instance-actions", null), ("GET", "/os-instance-actions/req-1", (string?)null),
        })
        {
            foreach (var surface in new[] { "v1.1", "v2.1" })
            {
                var reply = await _face.SendAsync("alice", method, $"{surface}:/servers/{bobs}{path}", body);
                Assert.True((reply.Status, reply.Fault.Name) == (404, "itemNotFound"), $"{method} {path}: {reply.Text}");
            }
        }

        Assert.Equal(200, (await _face.SendAsync("admin", "GET", $"v2.1:/servers/{bobs}")).Status);
        var tenant = _face.ProjectIdOf("bob");
        Assert.Equal(400, (await _face.SendAsync("alice", "GET", $"/v1.1/{tenant}/servers")).Status);
        Assert.Equal(400, (await _face.SendAsync("alice", "GET", $"/v2.1/{tenant}/servers")).Status);
    }

    [Fact]
    public async Task Long_lists_are_read_from_the_store_in_parts()
    {
        for (var n = 0; n < 620; n++)
        {
            await _face.AddServerAsync("bob", n % 100 == 0 ? "rare" : "common");
        }

        Assert.Equal(7, (await _face.SendAsync("bob", "GET", "v2.1:/servers?name=rare")).Json!["servers"]!.AsArray().Count);
        Assert.Equal(621, (await _face.SendAsync("bob", "GET", "v2.1:/servers/detail")).Json!["servers"]!.AsArray().Count);
    }
}
