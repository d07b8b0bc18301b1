namespace NovaShim.Api.Tests.Flavors;

[Collection(SharedFace.Name)]
public sealed class FlavorTests(Face face)
{
    [Theory]
    [InlineData("/flavors", "1 2 3 4 5")]
    [InlineData("/flavors/detail?is_public=None", "1 2 3 4 5")]
    [InlineData("/flavors?minRam=4096", "3 4 5")]
    [InlineData("/flavors?minDisk=80&minRam=1", "4 5")]
    [InlineData("/flavors?limit=2", "1 2")]
    [InlineData("/flavors?limit=2&marker=2", "3 4")]
    [InlineData("/flavors?marker=5", "")]
    [InlineData("/flavors?minRam=4096&marker=1", "3 4 5")]
    public async Task Flavors_are_listed_filtered_and_paged(string path, string ids)
    {
        var reply = await face.SendAsync("alice", "GET", "v2.1:" + path);
        Assert.Equal(ids, string.Join(' ', reply.Json!["flavors"]!.AsArray().Select(f => f!["id"]!.GetValue<string>())));
        Assert.Equal(path.Contains("limit", StringComparison.Ordinal), reply.Json["flavors_links"] is not null);
    }

    [Theory]
    [InlineData("/flavors?minRam=much", 400)]
    [InlineData("/flavors?marker=77", 400)]
    [InlineData("/flavors?limit=-2", 400)]
    [InlineData("/flavors/m1.small", 404)]
    [InlineData("/flavors/77", 404)]
    [InlineData("/flavors/77/os-extra_specs", 404)]
    public async Task What_is_not_there_or_cannot_be_is_refused(string path, int status) => Assert.Equal(status, (await face.SendAsync("alice", "GET", "v2.1:" + path)).Status);

    [Fact]
    public async Task A_flavor_has_exactly_novas_keys()
    {
        var flavor = (await face.SendAsync("alice", "GET", "v2.1:/flavors/2")).Json!["flavor"]!.AsObject();
        Assert.Equal(
            ["OS-FLV-DISABLED:disabled", "OS-FLV-EXT-DATA:ephemeral", "disk", "id", "links", "name", "os-flavor-access:is_public", "ram", "rxtx_factor", "swap", "vcpus"],
            flavor.Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.Equal((2048, 20, 1, ""), (flavor["ram"]!.GetValue<int>(), flavor["disk"]!.GetValue<int>(), flavor["vcpus"]!.GetValue<int>(), flavor["swap"]!.GetValue<string>()));
    }
}
