using NovaShim.Api.Tests;

namespace NovaShim.Fuzz.Tests;

/// <summary>What the fuzz test has found, each by its name.</summary>
[Collection(SharedFace.Name)]
public sealed class FoundTests(Face face)
{
    [Theory]
    [InlineData("/v2.0.atom")]
    [InlineData("/v2.1.xml")]
    [InlineData("/v3.xml")]
    [InlineData("/identity.xml")]
    [InlineData("/image.xml")]
    public async Task Surfaces_without_XML_have_no_suffixes_either(string path)
    {
        // It was answered with that surface's document in a format that is not spoken there.
        var reply = await face.SendAsync(null, "GET", path);
        Assert.Equal(300, reply.Status);
    }

    [Theory]
    [InlineData("/V1.1/", 300)]
    [InlineData("/V2.1/servers", 300)]
    [InlineData("/v2.1/SERVERS", 404)]
    [InlineData("/ODATA/v1/Instances", 300)]
    [InlineData("/odata/v1/instances", 404)]
    [InlineData("/v3/AUTH/tokens", 404)]
    public async Task Paths_in_other_letters_are_other_paths(string path, int status)
    {
        // They were routed, and answered as if they had no surface.
        var reply = await face.SendAsync("admin", "GET", path);
        Assert.Equal(status, reply.Status);
    }

    [Theory]
    [InlineData("/v2/images")]
    [InlineData($"/v2/images/{Face.ImageId}")]
    public async Task Images_of_the_Image_API_are_JSON_below_v1_1_too(string path)
    {
        // One image came as an element of its id alone, without the rest.
        var reply = await face.SendAsync("alice", "GET", "v1.1:" + path, null, ("Accept", "application/xml"));
        Assert.Equal(200, reply.Status);
        Assert.NotNull(reply.Json);
    }

    [Theory]
    [InlineData("/healthz.xml")]
    [InlineData("/healthz.atom")]
    [InlineData("/healthz")]
    public async Task Health_is_JSON_whatever_is_asked_for(string path)
    {
        // It came as an element that no shape describes.
        var reply = await face.SendAsync(null, "GET", path, null, ("Accept", "application/xml"));
        Assert.Equal((200, "ok"), (reply.Status, reply.Json?["status"]?.GetValue<string>()));
    }

    [Fact]
    public async Task Choices_and_pages_link_to_URLs()
    {
        // The path was put into the link as it had been read, which is not as it is written.
        var reply = await face.SendAsync(null, "GET", "/a%20b/%25zz/%C3%A9");
        Assert.Equal($"{face.BaseUrl}/v1.1/a%20b/%25zz/%C3%A9", reply.Json!["choices"]![0]!["links"]![0]!["href"]!.GetValue<string>());
    }
}
