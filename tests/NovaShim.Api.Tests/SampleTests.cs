using NovaShim.Api.Tests.Spec;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Tests;

/// <summary>
/// The samples of <c>api-spec/samples/</c> are what the running face answers, but for values that are new each time. Where the environment's <c>NOVASHIM_WRITE_SAMPLES</c> names that folder, they are
/// written instead of compared.
/// </summary>
public sealed class SampleTests : IAsyncLifetime
{
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

    private Task CheckAsync(string name, Reply reply) => Samples.CheckJsonAsync(name, reply.Status, reply.Json!, _face.BaseUrl);
}
