using System.Text;

namespace NovaShim.Api.Tests.Spec;

/// <summary>That the judge of every answer condemns what it should.</summary>
[Collection(SharedFace.Name)]
public sealed class JudgeTests(Face face)
{
    private const string Compute = "http://docs.openstack.org/compute/api/v1.1";

    [Theory]
    [InlineData("GET", "/v2.1/servers", 200, "application/json", """{"servers": []}""", true)]
    [InlineData("GET", "/v2.1/servers", 200, "application/json", """{"servers": [], "more": 1}""", false)]
    [InlineData("GET", "/v2.1/servers", 200, "application/json", """{"servers": [{"id": 1}]}""", false)]
    [InlineData("GET", "/v2.1/servers", 200, "application/json", "{", false)]
    [InlineData("GET", "/v2.1/servers", 200, "application/json", "", false)]
    [InlineData("GET", "/v2.1/servers", 203, "application/json", """{"servers": []}""", false)]
    [InlineData("GET", "/v2.1/servers", 200, "text/plain", """{"servers": []}""", false)]
    [InlineData("GET", "/v2.1/unheard-of", 200, "application/json", "{}", false)]
    [InlineData("POST", "/v2.1/limits", 200, "application/json", "{}", false)]
    [InlineData("GET", "/v2.1/servers", 404, "application/json", """{"itemNotFound": {"code": 404, "message": "m"}}""", true)]
    [InlineData("GET", "/v2.1/servers", 404, "application/json", """{"itemNotFound": {"code": 400, "message": "m"}}""", false)]
    [InlineData("GET", "/v2.1/servers", 404, "application/json", """{"itemNotFound": {"code": 404, "message": ""}}""", false)]
    [InlineData("GET", "/v2.1/servers", 404, "application/json", """{"notFound": {"code": 404, "message": "m"}}""", false)]
    [InlineData("GET", "/v2.1/servers", 418, "application/json", """{"teapot": {"code": 418, "message": "m"}}""", false)]
    [InlineData("GET", "/v2.1/servers", 403, "application/json", """{"forbidden": {"code": 403, "message": "m"}}""", true)]
    [InlineData("GET", "/v1.1/{tenant_id}/servers", 403, "application/json", """{"forbidden": {"code": 403, "message": "m"}}""", false)]
    [InlineData("GET", "/v1.1/{tenant_id}/servers", 200, "application/xml", $"""<servers xmlns="{Compute}"/>""", true)]
    [InlineData("GET", "/v1.1/{tenant_id}/servers", 200, "application/xml", $"""<servers xmlns="{Compute}"><server/></servers>""", false)]
    [InlineData("GET", "/v1.1/{tenant_id}/servers", 200, "application/xml", "<servers/>", false)]
    [InlineData("GET", "/v1.1/{tenant_id}/servers", 200, "application/xml", "<servers", false)]
    [InlineData("GET", "/v2.1/servers", 200, "application/xml", $"""<servers xmlns="{Compute}"/>""", false)]
    [InlineData("GET", "/v1.1/{tenant_id}/servers", 404, "application/xml", $"""<itemNotFound xmlns="{Compute}" code="404"><message>m</message></itemNotFound>""", true)]
    [InlineData("GET", "/v1.1/{tenant_id}/servers", 404, "application/xml", $"""<itemNotFound xmlns="{Compute}" code="404"/>""", false)]
    public async Task An_answer_is_as_described_or_is_not(string method, string pattern, int status, string type, string body, bool isRight)
    {
        var found = await ApiDescription.JudgeAsync(new WatchedAnswer(method, pattern.Replace("{tenant_id}", "t", StringComparison.Ordinal), pattern, status, type, Encoding.UTF8.GetBytes(body)));
        Assert.Equal(isRight, found.Count == 0);
    }

    [Fact]
    public async Task Every_answer_of_a_face_comes_before_it()
    {
        var before = face.Watch.Judged;
        await face.SendAsync(null, "GET", "/");
        await face.SendAsync("alice", "GET", "v1.1:/servers.xml");
        Assert.True(face.Watch.Judged >= before + 3, "a login and two requests");
    }
}
