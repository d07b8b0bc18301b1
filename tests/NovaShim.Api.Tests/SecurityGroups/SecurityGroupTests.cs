using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace NovaShim.Api.Tests.SecurityGroups;

public sealed class SecurityGroupTests : IAsyncLifetime
{
    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync(("quota:security_groups", "3"), ("quota:security_group_rules", "3"));

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task A_group_is_made_shown_changed_listed_and_removed(string surface)
    {
        var id = await MakeAsync(" web ", surface);
        var at = $"{surface}:/os-security-groups/{id}";
        var shown = (await _face.SendAsync("alice", "GET", at)).Json!["security_group"]!;
        Assert.Equal((" web ", "d", 0), (shown["name"]!.GetValue<string>(), shown["description"]!.GetValue<string>(), shown["rules"]!.AsArray().Count));
        Assert.Equal(["default", " web "], await NamesAsync("alice", surface));
        Assert.Equal(200, (await _face.SendAsync("alice", "PUT", at, """{"security_group": {"name": "db", "description": ""}}""")).Status);
        Assert.Equal(["default", "db"], await NamesAsync("alice", surface));
        Assert.Equal(["default"], await NamesAsync("bob", surface));
        foreach (var method in new[] { "GET", "PUT", "DELETE" })
        {
            var body = method == "PUT" ? """{"security_group": {"name": "x"}}""" : null;
            Assert.Equal((404, $"Security group {id} not found."), await _face.SendAsync("bob", method, at, body) is var r ? (r.Status, r.Fault.Message) : default);
            Assert.Equal((400, "Security group id should be integer"), await _face.SendAsync("alice", method, surface + ":/os-security-groups/web", body) is var w ? (w.Status, w.Fault.Message) : default);
        }

        Assert.Equal(202, (await _face.SendAsync("alice", "DELETE", at)).Status);
        Assert.Equal(404, (await _face.SendAsync("alice", "DELETE", at)).Status);
    }

    [Fact]
    public async Task The_default_group_stays_as_it_is_and_counts()
    {
        var group = (await _face.SendAsync("alice", "GET", "v2.1:/os-security-groups")).Json!["security_groups"]![0]!;
        var at = $"v2.1:/os-security-groups/{group["id"]}";
        Assert.Equal((400, "Unable to delete system group 'default'"), await _face.SendAsync("alice", "DELETE", at) is var r ? (r.Status, r.Fault.Message) : default);
        Assert.Equal(400, (await _face.SendAsync("alice", "PUT", at, """{"security_group": {"name": "x", "description": ""}}""")).Status);
        await MakeAsync("a");
        await MakeAsync("b");
        var limits = (await _face.SendAsync("alice", "GET", "v2.1:/limits")).Json!["limits"]!["absolute"]!;
        Assert.Equal((3, 3), (limits["totalSecurityGroupsUsed"]!.GetValue<int>(), limits["maxSecurityGroups"]!.GetValue<int>()));
        foreach (var (surface, status) in new[] { ("v1.1", 413), ("v2.1", 403) })
        {
            Assert.Equal((status, "Quota exceeded, too many security groups."), await CreateAsync("alice", surface, "c") is var over ? (over.Status, over.Fault.Message) : default);
        }
    }

    [Theory]
    [InlineData("""{"security_group": {"name": "", "description": "d"}}""", "name")]
    [InlineData("""{"security_group": {"name": " ", "description": "d"}}""", "name")]
    [InlineData("""{"security_group": {"description": "d"}}""", "name")]
    [InlineData("""{"security_group": {"name": "taken", "description": "d"}}""", "Security group taken already exists")]
    [InlineData("""{"security_group": {"name": "x", "description": 7}}""", "description")]
    public async Task A_group_that_cannot_be_is_refused(string body, string says)
    {
        await MakeAsync("taken");
        var reply = await _face.SendAsync("alice", "POST", "v2.1:/os-security-groups", body);
        Assert.Equal(400, reply.Status);
        Assert.Contains(says, reply.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_are_added_shown_and_taken_away_and_go_with_the_group_that_they_let_in()
    {
        var (web, db) = (await MakeAsync("web"), await MakeAsync("db"));
        var first = await RuleAsync($$"""{"parent_group_id": {{db}}, "ip_protocol": "TCP", "from_port": 22, "to_port": "23"}""");
        Assert.Equal(200, first.Status);
        var rule = first.Json!["security_group_rule"]!;
        Assert.Equal(
            $$$"""{"id":{{{rule["id"]}}},"parent_group_id":{{{db}}},"ip_protocol":"tcp","from_port":22,"to_port":23,"group":{},"ip_range":{"cidr":"0.0.0.0/0"}}""", rule.ToJsonString());
        var peer = await RuleAsync($$"""{"parent_group_id": {{db}}, "group_id": {{web}}}""");
        Assert.Equal(("web", null, null), (peer.Json!["security_group_rule"]!["group"]!["name"]!.GetValue<string>(), peer.Json["security_group_rule"]!["ip_protocol"], peer.Json["security_group_rule"]!["from_port"]));
        Assert.Equal((400, $"This rule already exists in group {db}"), await RuleAsync($$"""{"parent_group_id": {{db}}, "group_id": {{web}}}""") is var twice ? (twice.Status, twice.Fault.Message) : default);
        Assert.Equal(200, (await RuleAsync($$"""{"parent_group_id": "{{db}}", "ip_protocol": "icmp", "from_port": -1, "to_port": -1, "cidr": "10.0.0.0/8"}""")).Status);
        Assert.Equal(403, (await RuleAsync($$"""{"parent_group_id": {{db}}, "ip_protocol": "udp", "from_port": 1, "to_port": 2}""")).Status);
        Assert.Equal(3, (await RulesAsync(db)).Count);

        Assert.Equal(404, (await _face.SendAsync("bob", "DELETE", $"v2.1:/os-security-group-rules/{rule["id"]}")).Status);
        Assert.Equal(202, (await _face.SendAsync("alice", "DELETE", $"v2.1:/os-security-group-rules/{rule["id"]}")).Status);
        Assert.Equal(404, (await _face.SendAsync("alice", "DELETE", $"v2.1:/os-security-group-rules/{rule["id"]}")).Status);
        Assert.Equal(202, (await _face.SendAsync("alice", "DELETE", $"v2.1:/os-security-groups/{web}")).Status);
        Assert.Equal("icmp", Assert.Single(await RulesAsync(db))!["ip_protocol"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{"parent_group_id": @, "ip_protocol": "gre", "from_port": 1, "to_port": 2}""", 400, "Invalid IP protocol gre.")]
    [InlineData("""{"parent_group_id": @, "ip_protocol": "tcp", "from_port": 9, "to_port": 2}""", 400, "Invalid port range 9:2.")]
    [InlineData("""{"parent_group_id": @, "ip_protocol": "tcp", "from_port": 0, "to_port": 70000}""", 400, "Valid TCP ports should be between 1-65535")]
    [InlineData("""{"parent_group_id": @, "ip_protocol": "icmp", "from_port": 256, "to_port": 0}""", 400, "For ICMP, the type:code must be valid")]
    [InlineData("""{"parent_group_id": @, "ip_protocol": "tcp", "from_port": "many", "to_port": 2}""", 400, "from_port")]
    [InlineData("""{"parent_group_id": @, "ip_protocol": "tcp"}""", 400, "Not enough parameters to build a valid rule.")]
    [InlineData("""{"parent_group_id": @, "ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr": "10.0.0.0/33"}""", 400, "Invalid cidr 10.0.0.0/33.")]
    [InlineData("""{"parent_group_id": "web", "ip_protocol": "tcp", "from_port": 1, "to_port": 2}""", 400, "Security group id should be integer")]
    [InlineData("""{"parent_group_id": 999999, "ip_protocol": "tcp", "from_port": 1, "to_port": 2}""", 404, "Security group 999999 not found.")]
    [InlineData("""{"ip_protocol": "tcp", "from_port": 1, "to_port": 2}""", 400, "parent_group_id")]
    public async Task A_rule_that_cannot_be_is_refused(string rule, int status, string says)
    {
        var reply = await RuleAsync(rule.Replace("@", await MakeAsync("web"), StringComparison.Ordinal));
        Assert.Equal(status, reply.Status);
        Assert.Contains(says, reply.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_is_in_the_groups_it_asks_for_and_joins_and_leaves_others()
    {
        var (web, db) = (await MakeAsync("web"), await MakeAsync("db"));
        var body = $$$"""{"server": {"name": "n", "imageRef": "{{{Face.ImageId}}}", "flavorRef": "1", "networks": "auto", "security_groups": [{"name": "web"}, {"name": "default"}, {"name": "web"}]}}""";
        Assert.Equal((400, "Security group nowhere not found"), await _face.SendAsync("alice", "POST", "v2.1:/servers", body.Replace("default", "nowhere", StringComparison.Ordinal)) is var r ? (r.Status, r.Fault.Message[..32]) : default);
        var made = (await _face.SendAsync("alice", "POST", "v2.1:/servers", body)).Json!["server"]!;
        Assert.Equal("""[{"name":"web"},{"name":"default"}]""", made["security_groups"]!.ToJsonString());
        var at = $"v2.1:/servers/{made["id"]}";
        Assert.Equal((400, "Security group is still in use"), await _face.SendAsync("alice", "DELETE", $"v2.1:/os-security-groups/{web}") is var used ? (used.Status, used.Fault.Message) : default);
        Assert.Equal(202, (await ActAsync(at, "add", "db")).Status);
        Assert.Equal(400, (await ActAsync(at, "add", "db")).Status);
        Assert.Equal(200, (await _face.SendAsync("alice", "PUT", $"v2.1:/os-security-groups/{db}", """{"security_group": {"name": "base", "description": ""}}""")).Status);
        Assert.Equal("""[{"name":"web"},{"name":"default"},{"name":"base"}]""", await ShownAsync(at));
        Assert.Equal(["default", "web", "base"], (await _face.SendAsync("alice", "GET", at + "/os-security-groups")).Json!["security_groups"]!.AsArray().Select(g => g!["name"]!.GetValue<string>()));
        Assert.Equal(404, (await _face.SendAsync("bob", "GET", at + "/os-security-groups")).Status);
        foreach (var name in new[] { "web", "default", "base" })
        {
            Assert.Equal(202, (await ActAsync(at, "remove", name)).Status);
            Assert.Equal(400, (await ActAsync(at, "remove", name)).Status);
        }

        Assert.Null(await ShownAsync(at));
        Assert.Equal(202, (await _face.SendAsync("alice", "DELETE", $"v2.1:/os-security-groups/{web}")).Status);
    }

    [Fact]
    public async Task The_same_in_XML()
    {
        var made = await _face.SendAsync("alice", "POST", "v1.1:/os-security-groups.xml", $"""<security_group xmlns="{Compute}" name="web"><description>d</description></security_group>""", ("Content-Type", "application/xml"));
        var group = XDocument.Parse(made.Text).Root!;
        Assert.Equal((200, Compute + "security_group", "web", "d"), (made.Status, group.Name, group.Attribute("name")!.Value, group.Element(Compute + "description")!.Value));
        var ruled = await _face.SendAsync(
            "alice", "POST", "v1.1:/os-security-group-rules.xml",
            $"""<security_group_rule xmlns="{Compute}"><parent_group_id>{group.Attribute("id")!.Value}</parent_group_id><ip_protocol>tcp</ip_protocol><from_port>80</from_port><to_port>80</to_port></security_group_rule>""",
            ("Content-Type", "application/xml"));
        Assert.Equal((200, "80"), (ruled.Status, XDocument.Parse(ruled.Text).Root!.Attribute("from_port")!.Value));
        var listed = XDocument.Parse((await _face.SendAsync("alice", "GET", "v1.1:/os-security-groups.xml")).Text).Root!;
        Assert.Equal((Compute + "security_groups", 2), (listed.Name, listed.Elements(Compute + "security_group").Count()));
        Assert.Equal("0.0.0.0/0", listed.Descendants(Compute + "ip_range").Single().Attribute("cidr")!.Value);
    }

    private async Task<string> MakeAsync(string name, string surface = "v2.1")
    {
        var reply = await CreateAsync("alice", surface, name);
        Assert.Equal(200, reply.Status);
        return reply.Json!["security_group"]!["id"]!.GetValue<int>().ToString(CultureInfo.InvariantCulture);
    }

    private Task<Reply> CreateAsync(string user, string surface, string name) =>
        _face.SendAsync(user, "POST", surface + ":/os-security-groups", $$$"""{"security_group": {"name": "{{{name}}}", "description": "d"}}""");

    private Task<Reply> RuleAsync(string rule) => _face.SendAsync("alice", "POST", "v2.1:/os-security-group-rules", $$"""{"security_group_rule": {{rule}}}""");

    private Task<Reply> ActAsync(string server, string verb, string group) => _face.SendAsync("alice", "POST", server + "/action", $$$"""{"{{{verb}}}SecurityGroup": {"name": "{{{group}}}"}}""");

    private async Task<JsonArray> RulesAsync(string group) => (await _face.SendAsync("alice", "GET", $"v2.1:/os-security-groups/{group}")).Json!["security_group"]!["rules"]!.AsArray();

    private async Task<IEnumerable<string>> NamesAsync(string user, string surface) =>
        (await _face.SendAsync(user, "GET", surface + ":/os-security-groups")).Json!["security_groups"]!.AsArray().Select(g => g!["name"]!.GetValue<string>());

    private async Task<string?> ShownAsync(string server) => (await _face.SendAsync("alice", "GET", server)).Json!["server"]!["security_groups"]?.ToJsonString();
}
