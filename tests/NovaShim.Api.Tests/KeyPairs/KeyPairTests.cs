using System.Security.Cryptography;
using System.Xml.Linq;
using NovaShim.Api.Tests.Clients;
using NovaShim.Compute.Documents;
using NovaShim.Compute.KeyPairs;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests.KeyPairs;

[Collection(SharedFace.Name)]
public sealed class KeyPairTests(Face face)
{
    private const string Ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIeVpdtlWjkQ2NZzU61QD58Ni/AuaMHJQSUFMSSDA/4Y me@here";
    private const string Ed25519Fingerprint = "a9:14:00:93:e2:a3:cb:49:23:7e:98:5c:cc:42:f3:fc";
    private const string Ecdsa =
        "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBDvmo+PjD5MX+crrtyLZLSNEjDYmMyr4zO9MbfSGB3iSK+SSgHSkiFYFbRw/t+ebXiFyTPdIbETwv3lz1kaLmg9DlCKXi2W1h4Dht/Iy9XMYeZbhK3G7OmRUKshJ8/CISg== ";

    private static readonly XNamespace Compute = "http://docs.openstack.org/compute/api/v1.1";

    [Theory]
    [InlineData("v1.1")]
    [InlineData("v2")]
    [InlineData("v2.1")]
    public async Task A_made_key_pair_is_a_real_one_and_its_private_half_is_shown_once(string surface)
    {
        var name = $"made {surface[..2]} {surface.Length}";
        var reply = await face.SendAsync("alice", "POST", $"{surface}:/os-keypairs", $$$"""{"keypair": {"name": "{{{name}}}"}}""");
        Assert.Equal(200, reply.Status);
        var made = reply.Json!["keypair"]!;
        Assert.Equal(["fingerprint", "name", "private_key", "public_key", "user_id"], made.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));

        // The program that guests' owners use reads the private half and finds the public half in it.
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, made["private_key"]!.GetValue<string>());
        var (status, output) = await CommandLine.RunAsync("ssh-keygen", new Dictionary<string, string>(), "-y", "-f", file);
        Assert.Equal(0, status);
        Assert.Equal(made["public_key"]!.GetValue<string>().Split(' ')[..2], output.Trim().Split(' '));
        var (_, listed) = await CommandLine.RunAsync("ssh-keygen", new Dictionary<string, string>(), "-l", "-E", "md5", "-f", file);
        Assert.StartsWith($"2048 MD5:{made["fingerprint"]!.GetValue<string>()} ", listed, StringComparison.Ordinal);
        File.Delete(file);

        var path = $"{surface}:/os-keypairs/{Uri.EscapeDataString(name)}";
        var shown = (await face.SendAsync("alice", "GET", path)).Json!["keypair"]!;
        Assert.Equal(
            ["created_at", "deleted", "deleted_at", "fingerprint", "id", "name", "public_key", "updated_at", "user_id"], shown.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.Equal(made["public_key"]!.GetValue<string>(), shown["public_key"]!.GetValue<string>());
        Assert.Equal(202, (await face.SendAsync("alice", "DELETE", path)).Status);
        Assert.Equal((404, "itemNotFound"), await face.SendAsync("alice", "GET", path) is var gone ? (gone.Status, gone.Fault.Name) : default);
        Assert.Equal(404, (await face.SendAsync("alice", "DELETE", path)).Status);
    }

    public static TheoryData<string, string> Brought => new()
    {
        { Ed25519, Ed25519Fingerprint },
        { Ed25519 + "\n", Ed25519Fingerprint },
        { Ecdsa, "01:be:8e:a8:3a:65:a2:8f:7f:6e:ed:e5:4a:fb:bb:7a" },
    };

    [Theory]
    [MemberData(nameof(Brought))]
    public async Task A_key_that_is_brought_along_gets_its_fingerprint(string key, string fingerprint)
    {
        var name = "brought-" + Guid.NewGuid().ToString("N");
        var reply = await face.SendAsync("alice", "POST", "v2.1:/os-keypairs", new System.Text.Json.Nodes.JsonObject { ["keypair"] = new System.Text.Json.Nodes.JsonObject { ["name"] = name, ["public_key"] = key } }.ToJsonString());
        Assert.Equal(200, reply.Status);
        Assert.Equal((fingerprint, key, null), (reply.Json!["keypair"]!["fingerprint"]!.GetValue<string>(), reply.Json["keypair"]!["public_key"]!.GetValue<string>(), reply.Json["keypair"]!["private_key"]));
    }

    public static TheoryData<string, string, int, string> Refused => new()
    {
        { "v2.1", """{"keypair": {}}""", 400, "keypair.name" },
        { "v2.1", """{"keypair": {"name": ""}}""", 400, "keypair.name" },
        { "v2.1", """{"keypair": {"name": " x"}}""", 400, "keypair.name" },
        { "v2.1", """{"keypair": {"name": "key/slash"}}""", 400, "keypair.name" },
        { "v1.1", """{"keypair": {"name": "  "}}""", 400, "keypair.name" },
        { "v1.1", """{"keypair": {"name": "a\u0007"}}""", 400, "keypair.name" },
        { "v2.1", """{"keypair": {"name": "x", "public_key": ""}}""", 400, "keypair.public_key" },
        { "v2.1", """{"keypair": {"name": "x", "public_key": null}}""", 400, "keypair.public_key" },
        { "v2.1", """{"keypair": {"name": "x", "public_key": "JUNK"}}""", 400, "Keypair data is invalid" },
        { "v1.1", """{"keypair": {"name": "x", "public_key": "ssh-rsa JUNK"}}""", 400, "Keypair data is invalid" },
        { "v2.1", """{"keypair": {"name": "x", "public_key": "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIIeVpdtlWjkQ2NZzU61QD58Ni/AuaMHJQSUFMSSDA/4Y"}}""", 400, "Keypair data is invalid" },
        { "v2.1", """{"keypair": {"name": "x", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIeVpdtlWjkQ2NZzU61QD58Ni/AuaMHJQSUFMSSDA/4YAAAA"}}""", 400, "Keypair data is invalid" },
        { "v2.1", """{"keypair": {"name": "x", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIeVpdtlWjkQ2NZzU61QD58Ni/AuaMHJQSUFMSSDA/4Y\nssh-rsa second"}}""", 400, "Keypair data is invalid" },
        { "v2.1", """{"keypair": {"name": "x", "type": "x509"}}""", 400, "keypair.type" },
        { "v2.1", """{"keypair": {"name": "x", "other": 1}}""", 400, "other" },
        { "v2.1", """{"keypair": {"name": "x", "user_id": "somebody"}}""", 403, "administrator" },
        { "v2.1", """{"keypair": []}""", 400, "keypair" },
        { "v1.1", """{}""", 400, "keypair" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task What_is_no_key_pair_is_refused_and_named(string surface, string body, int status, string names)
    {
        var reply = await face.SendAsync("bob", "POST", $"{surface}:/os-keypairs", body);
        Assert.Equal(status, reply.Status);
        Assert.Contains(names, reply.Fault.Message, StringComparison.Ordinal);
        Assert.Null(await face.Store.Collection<KeyPairDocument>().FirstOrDefaultAsync(k => k.Name == "x", default));
    }

    [Fact]
    public async Task Key_pairs_are_their_users_and_administrators_may_name_one()
    {
        var body = $$$"""{"keypair": {"name": "shared name", "public_key": "{{{Ed25519}}}"}}""";
        Assert.Equal(200, (await face.SendAsync("alice", "POST", "v2.1:/os-keypairs", body)).Status);
        Assert.Equal((409, "conflictingRequest"), await face.SendAsync("alice", "POST", "v2.1:/os-keypairs", body) is var again ? (again.Status, again.Fault.Name) : default);
        Assert.Equal((409, "inProgress"), await face.SendAsync("alice", "POST", "v1.1:/os-keypairs", body) is var old ? (old.Status, old.Fault.Name) : default);
        Assert.Equal(404, (await face.SendAsync("bob", "GET", "v2.1:/os-keypairs/shared%20name")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "DELETE", "v2.1:/os-keypairs/shared%20name")).Status);
        var alice = (await face.SendAsync("alice", "GET", "v2.1:/os-keypairs/shared%20name")).Json!["keypair"]!["user_id"]!.GetValue<string>();
        Assert.Equal(403, (await face.SendAsync("bob", "GET", $"v2.1:/os-keypairs?user_id={alice}")).Status);
        Assert.Equal(403, (await face.SendAsync("bob", "DELETE", $"v2.1:/os-keypairs/shared%20name?user_id={alice}")).Status);
        Assert.Equal(200, (await face.SendAsync("admin", "GET", $"v2.1:/os-keypairs/shared%20name?user_id={alice}")).Status);
        Assert.Equal(404, (await face.SendAsync("admin", "GET", "v2.1:/os-keypairs/shared%20name")).Status);
    }

    [Fact]
    public async Task The_list_has_pages()
    {
        var own = await Face.StartAsync(("quota:key_pairs", "3"));
        try
        {
            foreach (var name in new[] { "c", "a", "b" })
            {
                Assert.Equal(200, (await own.SendAsync("alice", "POST", "v1.1:/os-keypairs", $$$"""{"keypair": {"name": "{{{name}}}", "public_key": "{{{Ed25519}}}"}}""")).Status);
            }

            static string[] Names(Reply reply) => [.. reply.Json!["keypairs"]!.AsArray().Select(k => k!["keypair"]!["name"]!.GetValue<string>())];
            Assert.Equal(["a", "b", "c"], Names(await own.SendAsync("alice", "GET", "v2.1:/os-keypairs")));
            var first = await own.SendAsync("alice", "GET", "v2.1:/os-keypairs?limit=2");
            Assert.Equal(["a", "b"], Names(first));
            Assert.EndsWith("limit=2&marker=b", first.Json!["keypairs_links"]![0]!["href"]!.GetValue<string>(), StringComparison.Ordinal);
            Assert.Equal(["c"], Names(await own.SendAsync("alice", "GET", "v2.1:/os-keypairs?limit=2&marker=b")));
            Assert.Equal(400, (await own.SendAsync("alice", "GET", "v2.1:/os-keypairs?marker=z")).Status);
            Assert.Equal(400, (await own.SendAsync("alice", "GET", "v2.1:/os-keypairs?limit=-1")).Status);
            Assert.Empty(Names(await own.SendAsync("bob", "GET", "v2.1:/os-keypairs")));
            var over = """{"keypair": {"name": "one too many"}}""";
            Assert.Equal((403, "forbidden"), await own.SendAsync("alice", "POST", "v2.1:/os-keypairs", over) is var now ? (now.Status, now.Fault.Name) : default);
            Assert.Equal((413, "overLimit"), await own.SendAsync("alice", "POST", "v1.1:/os-keypairs", over) is var then ? (then.Status, then.Fault.Name) : default);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task In_XML_a_key_pair_has_elements()
    {
        var made = await face.SendAsync("bob", "POST", "v1.1:/os-keypairs", "<keypair><name>in xml</name></keypair>", ("Content-Type", "application/xml"), ("Accept", "application/xml"));
        Assert.Equal(200, made.Status);
        var root = XDocument.Parse(made.Text).Root!;
        Assert.Equal((Compute + "keypair", "in xml"), (root.Name, root.Element(Compute + "name")!.Value));
        using var rsa = RSA.Create();
        rsa.ImportFromPem(root.Element(Compute + "private_key")!.Value);
        Assert.Equal(2048, rsa.KeySize);
        var brought = await face.SendAsync("bob", "POST", "v1.1:/os-keypairs", $"<keypair><name>brought in xml</name><public_key>{Ed25519}</public_key></keypair>", ("Content-Type", "application/xml"), ("Accept", "application/xml"));
        Assert.Equal(Ed25519Fingerprint, XDocument.Parse(brought.Text).Root!.Element(Compute + "fingerprint")!.Value);
        var list = XDocument.Parse((await face.SendAsync("bob", "GET", "v1.1:/os-keypairs.xml")).Text).Root!;
        Assert.Equal(Compute + "keypairs", list.Name);
        Assert.Contains(list.Elements(Compute + "keypair"), k => k.Element(Compute + "name")!.Value == "brought in xml" && k.Element(Compute + "public_key")!.Value == Ed25519);
        Assert.Equal(Compute + "keypair", XDocument.Parse((await face.SendAsync("bob", "GET", "v1.1:/os-keypairs/in%20xml.xml")).Text).Root!.Name);
        var refused = await face.SendAsync("bob", "POST", "v1.1:/os-keypairs.xml", "<keypair><name>in xml</name></keypair>", ("Content-Type", "application/xml"));
        Assert.Equal((409, Compute + "inProgress"), (refused.Status, XDocument.Parse(refused.Text).Root!.Name));
    }

    [Fact]
    public async Task A_server_keeps_the_key_it_was_created_with()
    {
        Assert.Equal(200, (await face.SendAsync("alice", "POST", "v2.1:/os-keypairs", $$$"""{"keypair": {"name": "passing", "public_key": "{{{Ed25519}}}"}}""")).Status);
        var body = $$$"""{"server": {"name": "keyed", "imageRef": "{{{Face.ImageId}}}", "flavorRef": "1", "key_name": "passing"}}""";
        Assert.Equal((400, "Invalid key_name provided."), await face.SendAsync("bob", "POST", "v2.1:/servers", body) is var r ? (r.Status, r.Fault.Message) : default);
        var created = await face.SendAsync("alice", "POST", "v1.1:/servers", body);
        Assert.Equal("passing", created.Json!["server"]!["key_name"]!.GetValue<string>());
        Assert.Equal(202, (await face.SendAsync("alice", "DELETE", "v2.1:/os-keypairs/passing")).Status);
        var stored = await face.Store.Collection<InstanceDocument>().GetAsync(created.Json["server"]!["id"]!.GetValue<string>(), default);
        Assert.Equal(("passing", Ed25519), (stored!.KeyName, stored.KeyData));
    }
}
