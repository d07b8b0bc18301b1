namespace NovaShim.Api.Tests.Images;

[Collection(SharedFace.Name)]
public sealed class ImageTests(Face face)
{
    [Fact]
    public async Task Compute_shows_the_clouds_images_and_ones_own()
    {
        var alices = await face.SendAsync("alice", "GET", "v1.1:/images");
        Assert.Equal(["debian"], alices.Json!["images"]!.AsArray().Select(i => i!["name"]!.GetValue<string>()));
        Assert.Equal(2, (await face.SendAsync("bob", "GET", "v1.1:/images/detail")).Json!["images"]!.AsArray().Count);
        var image = (await face.SendAsync("alice", "GET", $"v1.1:/images/{Face.ImageId}")).Json!["image"]!.AsObject();
        Assert.Equal(["OS-EXT-IMG-SIZE:size", "created", "id", "links", "metadata", "minDisk", "minRam", "name", "progress", "status", "updated"], image.Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.Equal("ACTIVE", image["status"]!.GetValue<string>());
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"v1.1:/images/{Face.PrivateImageId}")).Status);
        Assert.Equal(400, (await face.SendAsync("alice", "GET", $"v1.1:/images?marker={Face.PrivateImageId}")).Status);
    }

    [Theory]
    [InlineData("/image/v2")]
    [InlineData("/v2.1/v2")]
    public async Task The_image_API_finds_images_by_name_and_by_id(string root)
    {
        var listed = await face.SendAsync("alice", "GET", $"{root}/images?name=debian");
        Assert.Equal(Face.ImageId, listed.Json!["images"]!.AsArray().Single()!["id"]!.GetValue<string>());
        Assert.Empty((await face.SendAsync("alice", "GET", $"{root}/images?name=nothing")).Json!["images"]!.AsArray());
        Assert.Single((await face.SendAsync("bob", "GET", $"{root}/images?visibility=private")).Json!["images"]!.AsArray());
        Assert.Single((await face.SendAsync("bob", "GET", $"{root}/images?id=in:{Face.PrivateImageId},x")).Json!["images"]!.AsArray());
        var shown = (await face.SendAsync("alice", "GET", $"{root}/images/{Face.ImageId}")).Json!;
        Assert.Equal(("debian", "active", "public"), (shown["name"]!.GetValue<string>(), shown["status"]!.GetValue<string>(), shown["visibility"]!.GetValue<string>()));
        Assert.DoesNotContain("location", shown.ToJsonString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"{root}/images/debian")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"{root}/images/{Face.PrivateImageId}")).Status);
    }

    [Fact]
    public async Task The_image_API_shows_its_version_without_a_token()
    {
        var reply = await face.SendAsync(null, "GET", "/image");
        Assert.Equal(300, reply.Status);
        Assert.Equal(("v2.1", "CURRENT"), (reply.Json!["versions"]![0]!["id"]!.GetValue<string>(), reply.Json["versions"]![0]!["status"]!.GetValue<string>()));
    }
}
