using System.Xml.Linq;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;

namespace NovaShim.Api.Tests.Migrations;

public sealed class MigrationListTests : IAsyncLifetime
{
    private readonly List<string> _servers = [];
    private Face _face = null!;

    public async Task InitializeAsync()
    {
        _face = await Face.StartAsync();
        for (var n = 0; n < 3; n++)
        {
            var server = await _face.AddServerAsync("alice");
            _servers.Add(server.Uuid);
            Assert.Equal(202, (await _face.SendAsync("admin", "POST", $"v2.1:/servers/{server.Uuid}/action", n == 0 ? """{"migrate": null}""" : """{"resize": {"flavorRef": "3"}}""")).Status);
        }

        var migrations = _face.Store.Collection<MigrationDocument>();
        var second = (await migrations.FirstOrDefaultAsync(m => m.Id == 2, default))!;
        await migrations.UpdateAsync(second.Key, m => m with { Status = MigrationStatus.Finished, SourceCompute = "xen2", DestCompute = "xen1" }, default);
    }

    public Task DisposeAsync() => _face.DisposeAsync();

    [Theory]
    [InlineData("", "3 2 1")]
    [InlineData("?status=finished", "2")]
    [InlineData("?host=xen1", "3 2 1")]
    [InlineData("?host=xen2", "2")]
    [InlineData("?source_compute=xen1", "3 1")]
    [InlineData("?migration_type=migration", "1")]
    [InlineData("?migration_type=resize&status=finished", "2")]
    [InlineData("?instance_uuid=@0", "1")]
    [InlineData("?hidden=false", "3 2 1")]
    [InlineData("?hidden=1", "")]
    [InlineData("?host=xen9", "")]
    [InlineData("?fresh=0.5&unheard=of", "3 2 1")]
    public async Task Migrations_are_listed_and_filtered(string query, string ids)
    {
        query = query.Replace("@0", _servers[0], StringComparison.Ordinal);
        foreach (var surface in new[] { "v1.1", "v2", "v2.1" })
        {
            var reply = await _face.SendAsync("admin", "GET", $"{surface}:/os-migrations{query}");
            Assert.Equal(ids, string.Join(' ', reply.Json!["migrations"]!.AsArray().Select(m => m!["id"]!.GetValue<int>())));
        }

        var xml = XDocument.Parse((await _face.SendAsync("admin", "GET", "v1.1:/os-migrations.xml" + query)).Text).Root!;
        Assert.Equal(ids, string.Join(' ', xml.Elements().Select(m => (string)m.Attribute("id")!)));
    }

    [Theory]
    [InlineData("admin", "?hidden=perhaps", 400)]
    [InlineData("alice", "", 403)]
    public async Task What_cannot_be_or_is_not_yours_is_refused(string user, string query, int status) => Assert.Equal(status, (await _face.SendAsync(user, "GET", "v2.1:/os-migrations" + query)).Status);
}
