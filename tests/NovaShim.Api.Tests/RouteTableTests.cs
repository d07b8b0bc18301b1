using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using NovaShim.Api.Tests.Spec;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Flavors;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Identity;
using NovaShim.Compute.Images;
using NovaShim.Compute.KeyPairs;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.SecurityGroups;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Tests;

/// <summary>
/// <c>api-spec/routes.json</c>: every route of v1.1, tried in JSON and in XML with a request that succeeds and one that fails. The answers are judged by the description of the API as every answer of a
/// face is; here it is their status, what the fault speaks of, and that both formats say the same.
/// </summary>
public sealed partial class RouteTableTests(RouteTableTests.Stage stage) : IClassFixture<RouteTableTests.Stage>
{
    private static readonly IReadOnlyList<JsonNode> Table = SpecTable.Rows("routes.json", "routes");

    /// <summary>A case for each cell of the table.</summary>
    public static TheoryData<string, string> Cells
    {
        get
        {
            var cells = new TheoryData<string, string>();
            foreach (var row in Table)
            {
                cells.Add(LabelOf(row), "json");
                if (row["json-only"] is null)
                {
                    cells.Add(LabelOf(row), "xml");
                }
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Each_route_does_what_it_is_for(string label, string format)
    {
        var row = Row(label);
        var subject = await stage.SetUpAsync(row["state"]?.GetValue<string>(), row.ToJsonString());
        var reply = await SendAsync(row, row["as"]?.GetValue<string>() ?? "alice", row["query"]?.GetValue<string>(), row["body"], row["xml"]?.GetValue<string>(), subject, format);
        if (row["missing"] is { } reason)
        {
            Assert.True(reply.Status is 400 or 404 or 405 or 501, $"It is said to be missing ({reason}), and answers {reply.Status}: {reply.Text}");
            return;
        }

        Assert.True((row["in-test"] ?? row["status"])!.GetValue<int>() == reply.Status, $"{label}: {reply.Status} {reply.Text}");
        if (reply.Text.Length > 0)
        {
            Assert.Equal(format == "json", reply.Json is not null);
        }

        if (row["sample"]?.GetValue<string>() is { } sample)
        {
            await (reply.Json is { } json ? Samples.CheckJsonAsync($"v1.1/{sample}", reply.Status, json, stage.Face.BaseUrl) : Samples.CheckXmlAsync($"v1.1/{sample}", reply.Text, stage.Face.BaseUrl));
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Each_route_says_what_is_wrong(string label, string format)
    {
        var row = Row(label);
        if (row["missing"] is not null)
        {
            // It answers nothing but faults, which the other test has seen.
            return;
        }

        var subject = await stage.SetUpAsync(row["state"]?.GetValue<string>(), row.ToJsonString());
        var fault = row["fault"];

        // Where the row says nothing, the thing that its path names is not there.
        var missing = subject.ToDictionary(s => s.Key, s => fault is null && s.Key is not ("tenant" or "new" or "host") && FirstParameter(row) == s.Key ? (int.TryParse(s.Value, out _) ? "999999" : "0b4bd1a6-2f3c-4a39-9a6f-2e9d4f0c1a77") : s.Value);
        var who = fault?["as"]?.GetValue<string>() ?? row["as"]?.GetValue<string>() ?? "alice";
        var reply = await SendAsync(row, who, fault?["query"]?.GetValue<string>(), fault?["body"] ?? row["body"], fault?["body"] is null ? row["xml"]?.GetValue<string>() : null, missing, format);
        var expected = fault?["status"]?.GetValue<int>() ?? 404;
        Assert.True(expected == reply.Status, $"{label}: {reply.Status} {reply.Text}");
        var message = format == "json" ? reply.Fault.Message : XDocument.Parse(reply.Text).Root!.Value;
        Assert.Contains(fault?["says"]?.GetValue<string>() ?? "", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_route_and_every_action_of_the_program_is_in_the_table()
    {
        var rows = Table.Select(r => $"{r["method"]} {Parameters().Replace(r["path"]!.GetValue<string>(), "{}")}").ToHashSet();
        var routes = stage.Face.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText!.StartsWith("/v1.1/{tenant_id}/", StringComparison.Ordinal))
            .SelectMany(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(m => $"{m} {Parameters().Replace(e.RoutePattern.RawText!["/v1.1/{tenant_id}".Length..], "{}")}")).ToList();
        Assert.Empty(routes.Except(rows));
        var missing = Table.Where(r => r["missing"] is null).Select(r => $"{r["method"]} {Parameters().Replace(r["path"]!.GetValue<string>(), "{}")}").Except(routes);
        Assert.Empty(missing);
        var actions = Table.Where(r => r["path"]!.GetValue<string>() == "/servers/{server}/action").Select(r => r["body"]!.AsObject().Single().Key).ToHashSet();
        Assert.Empty(ApiDescription.Spec["components"]!["schemas"]!["Action"]!["properties"]!.AsObject().Select(p => p.Key).Except(actions));
    }

    [Fact]
    public async Task What_describes_the_API_is_served_by_it()
    {
        var face = stage.Face;
        foreach (var root in new[] { "/v1.1/", "/v2/", "/v2.1/" })
        {
            var links = (await face.SendAsync(null, "GET", root)).Json!["version"]!["links"]!.AsArray().Where(l => l!["rel"]!.GetValue<string>() == "describedby").ToList();
            Assert.NotEmpty(links);
            foreach (var link in links)
            {
                await CheckServedAsync(face, link!);
            }
        }

        var files = (await face.SendAsync(null, "GET", "/api-spec")).Json!["files"]!.AsArray();
        var here = Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "api-spec"), "*", SearchOption.AllDirectories).Count();
        Assert.Equal(here, files.Count);
        foreach (var file in files)
        {
            await CheckServedAsync(face, file!);
        }

        Assert.Equal(404, (await face.SendAsync(null, "GET", "/api-spec/../openapi.xml")).Status is var outside && outside == 300 ? 404 : outside);
        Assert.Equal(404, (await face.SendAsync(null, "GET", "/api-spec/no-such.json")).Status);
    }

    private static async Task CheckServedAsync(Face face, JsonNode link)
    {
        using var answer = await face.Http.GetAsync(new Uri(link["href"]!.GetValue<string>()));
        Assert.Equal((200, link["type"]!.GetValue<string>()), ((int)answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        var name = new Uri(link["href"]!.GetValue<string>()).AbsolutePath["/api-spec/".Length..];
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "api-spec", name)), await answer.Content.ReadAsByteArrayAsync());
    }

    private async Task<Reply> SendAsync(JsonNode row, string who, string? query, JsonNode? body, string? xml, IReadOnlyDictionary<string, string> names, string format)
    {
        var user = who == "nobody" ? "alice" : who;
        var path = $"/v1.1/{stage.Face.ProjectIdOf(user)}{Fill(row["path"]!.GetValue<string>(), names)}{(query is null ? "" : "?" + query)}";
        var text = body is null ? null : Fill(body.ToJsonString(), names);
        var asXml = format == "xml" && xml is not "";
        if (text is not null && asXml)
        {
            text = Fill(xml ?? XmlForm.Of(JsonNode.Parse(text)!), names);
        }

        (string, string)[] headers = format == "xml" ? [("Accept", "application/xml")] : [];
        return await stage.Face.SendAsync(who == "nobody" ? null : who, row["method"]!.GetValue<string>(), path, text, text is not null && asXml ? [.. headers, ("Content-Type", "application/xml")] : headers);
    }

    private static JsonNode Row(string label) => Table.Single(r => LabelOf(r) == label);

    private static string LabelOf(JsonNode row) =>
        $"{row["method"]} {row["path"]}" + (row["path"]!.GetValue<string>().EndsWith("/action", StringComparison.Ordinal) ? " " + row["body"]?.ToJsonString() : "");

    private static string? FirstParameter(JsonNode row) => Parameters().Match(row["path"]!.GetValue<string>()) is { Success: true } match ? match.Groups[1].Value : null;

    private static string Fill(string text, IReadOnlyDictionary<string, string> names) => Parameters().Replace(text, m => names.TryGetValue(m.Groups[1].Value, out var value) ? value : m.Value);

    [GeneratedRegex(@"\{([\w-]+)\}")]
    private static partial Regex Parameters();

    /// <summary>A face with one of everything that the table's paths name.</summary>
    public sealed class Stage : IAsyncLifetime
    {
        /// <summary>Things that only some paths name, and who makes one how.</summary>
        private static readonly (string Name, string User, string Route, string Body, string Id)[] Things =
        [
            ("agent", "admin", "/os-agents", """{"agent": {"hypervisor": "xen", "os": "linux", "architecture": "@", "version": "1.0", "url": "http://example.org/agent", "md5hash": "add6bb58e139be103324d04d82d8f545"}}""", "agent_id"),
            ("aggregate", "admin", "/os-aggregates", """{"aggregate": {"name": "@"}}""", "id"),
            ("security-group", "alice", "/os-security-groups", """{"security_group": {"name": "@", "description": "tried"}}""", "id"),
            ("security-group-rule", "alice", "/os-security-group-rules", """{"security_group_rule": {"parent_group_id": "{security-group}", "ip_protocol": "tcp", "from_port": "22", "to_port": "22", "cidr": "10.0.0.0/8"}}""", "id"),
            ("group", "alice", "/os-server-groups", """{"server_group": {"name": "@", "policies": ["affinity"]}}""", "id"),
        ];

        private int _made;

        public Face Face { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Face = await Face.StartAsync(("quota:instances", "-1"), ("quota:cores", "-1"), ("quota:ram", "-1"));
            await Face.Services.GetRequiredService<ServiceGroup>().BeatAsync("xen1", ServiceGroup.ComputeBinary, "compute", default);
            await Face.Store.Collection<ComputeNodeDocument>().InsertAsync(
                new ComputeNodeDocument
                {
                    Key = "xen1", Id = 1, Host = "xen1", Driver = "xenserver",
                    Stats = new HostStats { HypervisorHostname = "xen1.example", HypervisorType = "xen", HypervisorVersion = 8002001, Vcpus = 8, MemoryMb = 16384, LocalGb = 200 },
                }, default);
        }

        public Task DisposeAsync() => Face.DisposeAsync();

        /// <summary>The names a row's request may use, of things that were made for it alone; what was made for rows before is gone, so that lists are the same always.</summary>
        internal async Task<Dictionary<string, string>> SetUpAsync(string? state, string row)
        {
            await ClearAsync<InstanceDocument>();
            await ClearAsync<MigrationDocument>();
            await ClearAsync<InstanceActionDocument>();
            foreach (var old in await Face.Store.Collection<ImageDocument>().WhereAsync(i => i.Uuid != Face.ImageId, default))
            {
                await Face.Store.Collection<ImageDocument>().DeleteAsync(old, default);
            }

            foreach (var old in await Face.Store.Collection<FlavorDocument>().WhereAsync(f => f.Id > 5, default))
            {
                await Face.Store.Collection<FlavorDocument>().DeleteAsync(old, default);
            }

            var name = $"made-{++_made}";
            var vmState = state switch { null or "VERIFY_RESIZE" => VmStates.Active, "SHUTOFF" => VmStates.Stopped, "PAUSED" => "paused", "SUSPENDED" => "suspended", "RESCUE" => "rescued", "SHELVED" => "shelved", _ => throw new InvalidOperationException(state) };
            var server = await Face.AddServerAsync("alice", "sample", vmState, i => i with { Id = 1, Metadata = new Dictionary<string, string> { ["purpose"] = "sample" } });
            if (state == "VERIFY_RESIZE")
            {
                Assert.Equal(202, (await Face.SendAsync("alice", "POST", $"v1.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "3"}}""")).Status);
                var resizing = (await Face.Store.Collection<InstanceDocument>().GetAsync(server.Key, default))!;
                await Face.Store.Collection<MigrationDocument>().UpdateAsync(resizing.MigrationUuid!, m => m with { Status = MigrationStatus.Finished, DestCompute = "xen2" }, default);
                await Face.Store.Collection<InstanceDocument>().UpdateAsync(server.Key, i => i with { VmState = VmStates.Resized, TaskState = null }, default);
            }
            else
            {
                await Face.Store.Collection<InstanceActionDocument>().InsertAsync(
                    new InstanceActionDocument { Key = name, Action = "create", InstanceUuid = server.Uuid, ProjectId = server.ProjectId, UserId = server.UserId, RequestId = "req-00000000-0000-4000-8000-000000000002", StartTime = DateTime.UtcNow }, default);
            }

            var image = Guid.NewGuid().ToString();
            var sample = (await Face.Store.Collection<ImageDocument>().GetAsync(Face.ImageId, default))!;
            await Face.Store.Collection<ImageDocument>().InsertAsync(sample with { Key = image, Uuid = image, Name = "own", Location = image, ProjectId = Face.ProjectIdOf("alice"), Metadata = new Dictionary<string, string> { ["purpose"] = "sample" } }, default);
            var flavor = (await Face.Store.Collection<FlavorDocument>().FirstOrDefaultAsync(f => f.FlavorId == "2", default))!;
            await Face.Store.Collection<FlavorDocument>().InsertAsync(
                flavor with { Key = "own", Id = 1000, FlavorId = "own", Name = "own", IsPublic = false, Projects = [Face.ProjectIdOf("alice")], ExtraSpecs = new Dictionary<string, string> { ["note"] = "1" } }, default);
            await ClearAsync<KeyPairDocument>();
            var alice = Face.Store.Collection<UserDocument>().Query().Single(u => u.Name == "alice").Key;
            await Face.Store.Collection<KeyPairDocument>().InsertAsync(
                new KeyPairDocument { Key = KeyPairDocument.KeyOf(alice, "own"), Id = 1, UserId = alice, Name = "own", Fingerprint = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", PublicKey = "ssh-ed25519 AAAA" }, default);
            var names = new Dictionary<string, string>
            {
                ["server"] = server.Uuid, ["image"] = Face.ImageId, ["own-image"] = image, ["flavor"] = "2", ["own-flavor"] = "own", ["keypair"] = "own", ["key"] = "purpose", ["network"] = "private", ["tenant"] = Face.ProjectIdOf("alice"),
                ["alias"] = "OS-DCF", ["hypervisor"] = "1", ["host"] = "xen1", ["request"] = "req-00000000-0000-4000-8000-000000000002", ["new"] = name, ["security-group-name"] = name, ["spec"] = "note", ["class"] = "default", ["before"] = "2026-01-01%2000:00:00",
            };
            await ClearAsync<SecurityGroupDocument>();
            await ClearAsync<SecurityGroupRuleDocument>();
            foreach (var (thing, user, route, body, id) in Things.Where(t => row.Contains($"{{{t.Name}", StringComparison.Ordinal)))
            {
                var made = await Face.SendAsync(user, "POST", "v2.1:" + route, Fill(body.Replace("@", name, StringComparison.Ordinal), names));
                names[thing] = made.Json!.AsObject().Single().Value![id]!.ToString();
            }

            if (row.Contains("{service}", StringComparison.Ordinal))
            {
                await ClearAsync<ServiceDocument>();
                await Face.Services.GetRequiredService<ServiceGroup>().BeatAsync("xen1", ServiceGroup.ComputeBinary, "compute", default);
                await Face.Store.Collection<ServiceDocument>().InsertAsync(new ServiceDocument { Key = name, Id = 9, Host = name, Binary = ServiceGroup.ComputeBinary, Topic = "compute", LastSeenUp = DateTime.UtcNow.AddHours(-1) }, default);
                names["service"] = "9";
            }

            return names;
        }

        private async Task ClearAsync<T>() where T : Document
        {
            foreach (var document in await Face.Store.Collection<T>().WhereAsync(_ => true, default))
            {
                await Face.Store.Collection<T>().DeleteAsync(document, default);
            }
        }
    }
}
