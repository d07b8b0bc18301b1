using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests;

/// <summary>
/// The samples of <c>api-spec/samples/</c> are what the running face answers, but for values that are new each time. Where the environment's <c>NOVASHIM_WRITE_SAMPLES</c> names that folder, they are
/// written instead of compared.
/// </summary>
public sealed partial class SampleTests : IAsyncLifetime
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private Face _face = null!;

    public async Task InitializeAsync() => _face = await Face.StartAsync(("quota:instances", "10"), ("quota:cores", "20"), ("quota:ram", "51200"));

    public Task DisposeAsync() => _face.DisposeAsync();

    [Fact]
    public async Task Samples_are_what_the_face_answers()
    {
        var body = """{"server": {"name": "sample", "imageRef": "@", "flavorRef": "1", "metadata": {"purpose": "sample"}, "adminPass": "chosen"}}""".Replace("@", Face.ImageId, StringComparison.Ordinal);
        await CheckAsync("server-create-v1.1", await _face.SendAsync("alice", "POST", "v1.1:/servers", body));
        await CheckAsync("server-create-v2.1", await _face.SendAsync("alice", "POST", "v2.1:/servers", body));
        var server = await _face.AddServerAsync("alice", "sample");
        await CheckAsync("server-show-v1.1", await _face.SendAsync("alice", "GET", $"v1.1:/servers/{server.Uuid}"));
        await CheckAsync("server-show-v2.1", await _face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}"));
        await CheckAsync("server-show-v2.1-admin", await _face.SendAsync("admin", "GET", $"v2.1:/servers/{server.Uuid}"));
        await CheckAsync("servers-list-v2.1", await _face.SendAsync("alice", "GET", "v2.1:/servers?limit=1"));
        await CheckAsync("fault-resize-same-flavor-v1.1", await _face.SendAsync("alice", "POST", $"v1.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "2"}}"""));
        await CheckAsync("fault-resize-same-flavor-v2.1", await _face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "2"}}"""));
        await CheckAsync("fault-confirm-without-migration-v2.1", await _face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"confirmResize": null}"""));
        await _face.SendAsync("alice", "POST", $"v2.1:/servers/{server.Uuid}/action", """{"resize": {"flavorRef": "3"}}""");
        var resizing = (await _face.Store.Collection<InstanceDocument>().GetAsync(server.Uuid, default))!;
        await _face.Store.Collection<MigrationDocument>().UpdateAsync(resizing.MigrationUuid!, m => m with { Status = MigrationStatus.Finished, DestCompute = "xen2", DestNode = "xen2.example" }, default);
        await CheckAsync("os-migrations-v2.1", await _face.SendAsync("admin", "GET", "v2.1:/os-migrations"));
        await CheckAsync("instance-actions-v2.1", await _face.SendAsync("alice", "GET", $"v2.1:/servers/{server.Uuid}/os-instance-actions"));
        await CheckAsync("flavor-show-v2.1", await _face.SendAsync("alice", "GET", "v2.1:/flavors/2"));
        await CheckAsync("image-show-v1.1", await _face.SendAsync("alice", "GET", $"v1.1:/images/{Face.ImageId}"));
        await CheckAsync("limits-v2.1", await _face.SendAsync("bob", "GET", "v2.1:/limits"));
        await CheckAsync("quota-set-v2.1", await _face.SendAsync("bob", "GET", $"v2.1:/os-quota-sets/{_face.ProjectIdOf("bob")}"));
        await CheckAsync("quota-set-detail-v2.1", await _face.SendAsync("bob", "GET", $"v2.1:/os-quota-sets/{_face.ProjectIdOf("bob")}/detail"));
        await CheckAsync("aggregate-create-v2.1", await _face.SendAsync("admin", "POST", "v2.1:/os-aggregates", """{"aggregate": {"name": "sample", "availability_zone": "cage"}}"""));
        await CheckAsync("aggregates-v2.1", await _face.SendAsync("admin", "GET", "v2.1:/os-aggregates"));
        await CheckAsync("flavor-create-v2.1", await _face.SendAsync("admin", "POST", "v2.1:/flavors", """{"flavor": {"name": "sample", "id": "sample", "ram": 64, "vcpus": 1, "disk": 1, "swap": 16}}"""));
        await CheckAsync("server-group-create-v2.1", await _face.SendAsync("bob", "POST", "v2.1:/os-server-groups", """{"server_group": {"name": "sample", "policies": ["affinity"]}}"""));
        await CheckAsync("versions", await _face.SendAsync(null, "GET", "/"));
        await CheckAsync("version-v1.1", await _face.SendAsync(null, "GET", "/v1.1/"));
        await CheckAsync("version-v2.1", await _face.SendAsync(null, "GET", "/v2.1/"));
        await CheckAsync("choices", await _face.SendAsync(null, "GET", "/servers"));
        await CheckAsync("token-v3", await _face.SendAsync(null, "POST", "/v3/auth/tokens", Face.PasswordBody("alice", "alice's secret").ToJsonString()));
        await CheckAsync("fault-unauthorized-v1.1", await _face.SendAsync(null, "GET", "/v1.1/t/servers"));
        await CheckAsync("fault-unauthorized-v2.1", await _face.SendAsync(null, "GET", "/v2.1/servers"));
    }

    private async Task CheckAsync(string name, Reply reply)
    {
        var document = new JsonObject { ["status"] = reply.Status, ["body"] = reply.Json!.DeepClone() };
        var text = Normalized(document.ToJsonString(Indented)) + "\n";
        if (Environment.GetEnvironmentVariable("NOVASHIM_WRITE_SAMPLES") is { Length: > 0 } folder)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, name + ".json"), text);
            return;
        }

        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "api-spec", "samples", name + ".json")), text);
    }

    private string Normalized(string text)
    {
        text = text.Replace(_face.BaseUrl, "http://127.0.0.1:8774", StringComparison.Ordinal);
        text = Moments().Replace(text, m => m.Groups["fraction"].Success ? $"2026-01-02T03:04:05.000000{m.Groups["zone"].Value}" : "2026-01-02T03:04:05Z");
        text = Uuids().Replace(text, m => m.Value == Face.ImageId ? m.Value : m.Value.StartsWith("req-", StringComparison.Ordinal) ? "req-00000000-0000-4000-8000-000000000002" : "00000000-0000-4000-8000-000000000001");
        return AuditIds().Replace(text, "\"audit_ids\": [\n        \"0123456789abcdef012345\"\n      ]");
    }

    // The dates of the versions themselves are older, and the same always.
    [GeneratedRegex("20[2-9][0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?<fraction>\\.[0-9]+)?(?<zone>Z?)")]
    private static partial Regex Moments();

    [GeneratedRegex("(req-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuids();

    [GeneratedRegex("\"audit_ids\": \\[\\s*\"[0-9a-f]+\"\\s*\\]")]
    private static partial Regex AuditIds();
}
