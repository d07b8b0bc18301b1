using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace NovaShim.Api.Tests.Images;

/// <summary>The Image API v2 as clients make, fill, change, share and remove images through it.</summary>
[Collection(SharedFace.Name)]
public sealed class GlanceTests(Face face)
{
    private const string Patch = "application/openstack-images-v2.1-json-patch";

    [Fact]
    public async Task An_image_is_created_uploaded_downloaded_and_deleted()
    {
        var created = await face.SendAsync("alice", "POST", "/image/v2/images", """{"name": "mine", "disk_format": "raw", "container_format": "bare", "visibility": "private", "kernel": "k", "tags": ["t", "t"]}""");
        Assert.Equal(201, created.Status);
        var id = created.Json!["id"]!.GetValue<string>();
        Assert.Equal($"{face.BaseUrl}/image/v2/images/{id}", created.Headers["Location"]);
        Assert.Equal(("queued", "private", "k", null, null), (Text(created, "status"), Text(created, "visibility"), Text(created, "kernel"), Text(created, "size"), Text(created, "checksum")));
        Assert.Equal("""["t"]""", created.Json["tags"]!.ToJsonString());
        Assert.Equal(204, (await face.SendAsync("alice", "GET", $"/image/v2/images/{id}/file")).Status);

        var bytes = RandomNumberGenerator.GetBytes(300_000);
        Assert.Equal(204, (await UploadAsync("alice", id, bytes)).Status);
        var shown = await face.SendAsync("alice", "GET", $"/image/v2/images/{id}");
        Assert.Equal(("active", "300000", "sha512", Convert.ToHexStringLower(SHA512.HashData(bytes))), (Text(shown, "status"), Text(shown, "size"), Text(shown, "os_hash_algo"), Text(shown, "os_hash_value")));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/image/v2/images/{id}/file");
        request.Headers.Add("X-Auth-Token", await face.LogInAsync("alice"));
        using var answer = await face.Http.SendAsync(request);
        Assert.Equal(("application/octet-stream", 300_000L), (answer.Content.Headers.ContentType!.MediaType!, answer.Content.Headers.ContentLength!.Value));
        Assert.Equal(bytes, await answer.Content.ReadAsByteArrayAsync());

        // The same image as compute has it.
        var image = (await face.SendAsync("alice", "GET", $"v1.1:/images/{id}")).Json!["image"]!;
        Assert.Equal(("ACTIVE", "k"), (image["status"]!.GetValue<string>(), image["metadata"]!["kernel"]!.GetValue<string>()));

        Assert.Equal(409, (await UploadAsync("alice", id, bytes)).Status);
        Assert.Equal(204, (await face.SendAsync("alice", "DELETE", $"/image/v2/images/{id}")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "DELETE", $"/image/v2/images/{id}")).Status);
        Assert.Equal(404, (await UploadAsync("alice", id, bytes)).Status);
    }

    [Fact]
    public async Task A_client_that_hangs_up_in_the_middle_leaves_a_queued_image()
    {
        var id = await CreateAsync("alice");
        var token = await face.LogInAsync("alice");
        var root = new Uri(face.BaseUrl);
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(root.Host, root.Port);
            var stream = socket.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(
                $"PUT /image/v2/images/{id}/file HTTP/1.1\r\nHost: {root.Authority}\r\nX-Auth-Token: {token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n" + new string('x', 5000)));
            await UntilAsync(id, "saving");
        }

        await UntilAsync(id, "queued");
        Assert.Equal(204, (await UploadAsync("alice", id, [1, 2, 3])).Status);
        Assert.Equal("active", Text(await face.SendAsync("alice", "GET", $"/image/v2/images/{id}"), "status"));
    }

    [Fact]
    public async Task Too_many_bytes_are_refused_whether_their_number_is_told_or_not()
    {
        var id = await CreateAsync("alice");
        Assert.Equal((413, "overLimit"), await FaultAsync(UploadAsync("alice", id, new byte[(1 << 20) + 1])));
        Assert.Equal((413, "overLimit"), await FaultAsync(UploadAsync("alice", id, new byte[(1 << 20) + 1], chunked: true)));
        Assert.Equal("queued", Text(await face.SendAsync("alice", "GET", $"/image/v2/images/{id}"), "status"));
        Assert.Equal(204, (await UploadAsync("alice", id, new byte[1 << 20], chunked: true)).Status);
    }

    [Fact]
    public async Task An_upload_needs_a_format_and_the_right_type()
    {
        var id = (await face.SendAsync("alice", "POST", "/image/v2/images", """{"name": "formless"}""")).Json!["id"]!.GetValue<string>();
        var refused = await UploadAsync("alice", id, [1]);
        Assert.Equal(400, refused.Status);
        Assert.Contains("disk_format", refused.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(415, (await face.SendAsync("alice", "PUT", $"/image/v2/images/{id}/file", "x")).Status);
        Assert.Equal(200, (await PatchAsync("alice", id, """[{"op": "add", "path": "/disk_format", "value": "raw"}, {"op": "replace", "path": "/container_format", "value": "bare"}]""")).Status);
        Assert.Equal(204, (await UploadAsync("alice", id, [])).Status);
        Assert.Equal(403, (await PatchAsync("alice", id, """[{"op": "replace", "path": "/disk_format", "value": "vhd"}]""")).Status);
    }

    public static TheoryData<string, int, string> BadCreations => new()
    {
        { """{"disk_format": "qcow2"}""", 400, "disk_format" },
        { """{"container_format": "ova"}""", 400, "container_format" },
        { """{"visibility": "secret"}""", 400, "visibility" },
        { """{"visibility": "public"}""", 403, "publicize" },
        { """{"min_ram": -1}""", 400, "min_ram" },
        { """{"min_disk": 99999999999}""", 400, "min_disk" },
        { """{"protected": "yes"}""", 400, "protected" },
        { """{"name": 5}""", 400, "name" },
        { """{"id": "not-a-uuid"}""", 400, "id" },
        { """{"tags": "x"}""", 400, "tags" },
        { """{"tags": [5]}""", 400, "tags" },
        { """{"status": "active"}""", 403, "status" },
        { """{"size": 5}""", 403, "size" },
        { """{"locations": []}""", 403, "locations" },
        { """{"owner": "someone"}""", 403, "owned" },
        { """{"property": 5}""", 400, "property" },
        { """{"property": null}""", 400, "property" },
        { """{"": "x"}""", 400, "property" },
        { """[]""", 400, "body" },
        { """{"id": "70a599e0-31e7-49b7-b260-868f441e862b"}""", 409, "exists" },
    };

    [Theory]
    [MemberData(nameof(BadCreations))]
    public async Task What_is_wrong_with_a_new_image_is_named(string body, int status, string word)
    {
        var reply = await face.SendAsync("alice", "POST", "/image/v2/images", body);
        Assert.Equal(status, reply.Status);
        Assert.Contains(word, reply.Fault.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, int> BadPatches => new()
    {
        { """{"op": "add", "path": "/name", "value": "x"}""", 400 },
        { """[{"op": "move", "path": "/name", "from": "/x"}]""", 400 },
        { """[{"op": "add", "path": "name", "value": "x"}]""", 400 },
        { """[{"op": "add", "path": "/a/b", "value": "x"}]""", 400 },
        { """[{"op": "add", "path": "/name"}]""", 400 },
        { """[{"path": "/name", "value": "x"}]""", 400 },
        { """[{"op": "replace", "path": "/unknown", "value": "x"}]""", 409 },
        { """[{"op": "remove", "path": "/unknown"}]""", 409 },
        { """[{"op": "remove", "path": "/name"}]""", 403 },
        { """[{"op": "replace", "path": "/checksum", "value": "x"}]""", 403 },
        { """[{"op": "replace", "path": "/visibility", "value": "public"}]""", 403 },
        { """[5]""", 400 },
    };

    [Theory]
    [MemberData(nameof(BadPatches))]
    public async Task A_bad_patch_changes_nothing(string patch, int status)
    {
        var id = await CreateAsync("alice");
        var before = (await face.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Text;
        Assert.Equal(status, (await PatchAsync("alice", id, patch)).Status);
        Assert.Equal(before, (await face.SendAsync("alice", "GET", $"/image/v2/images/{id}")).Text);
    }

    [Fact]
    public async Task A_patch_sets_fields_and_properties_in_order()
    {
        var id = await CreateAsync("alice");
        var patched = await PatchAsync("alice", id, """[{"op": "add", "path": "/os~1kind", "value": "a"}, {"op": "replace", "path": "/os~1kind", "value": "b"}, {"replace": "/name", "value": "new"}, {"op": "replace", "path": "/tags", "value": ["x"]}]""");
        Assert.Equal((200, "b", "new", """["x"]"""), (patched.Status, Text(patched, "os/kind"), Text(patched, "name"), patched.Json!["tags"]!.ToJsonString()));
        Assert.Null((await PatchAsync("alice", id, """[{"op": "remove", "path": "/os~1kind"}]""")).Json!["os/kind"]);
        Assert.Equal(415, (await face.SendAsync("alice", "PATCH", $"/image/v2/images/{id}", "[]")).Status);
        Assert.Equal(200, (await PatchAsync("alice", id, """[{"op": "replace", "path": "/protected", "value": true}]""")).Status);
        Assert.Equal(403, (await face.SendAsync("alice", "DELETE", $"/image/v2/images/{id}")).Status);
    }

    [Fact]
    public async Task Others_images_are_not_there_and_public_ones_are_not_theirs_to_change()
    {
        var id = await CreateAsync("alice");
        Assert.Equal(404, (await face.SendAsync("bob", "GET", $"/image/v2/images/{id}")).Status);
        Assert.Equal(404, (await UploadAsync("bob", id, [1])).Status);
        Assert.Equal(404, (await PatchAsync("bob", id, "[]")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "DELETE", $"/image/v2/images/{id}")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "PUT", $"/image/v2/images/{id}/tags/x")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "GET", $"v2.1:/images/{id}/metadata")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "DELETE", $"v2.1:/images/{id}")).Status);
        Assert.Equal(403, (await face.SendAsync("bob", "DELETE", $"/image/v2/images/{Face.ImageId}")).Status);
        Assert.Equal(403, (await PatchAsync("bob", Face.ImageId, """[{"op": "replace", "path": "/name", "value": "bob's"}]""")).Status);
        Assert.Equal(403, (await face.SendAsync("bob", "PUT", $"v2.1:/images/{Face.ImageId}/metadata", """{"metadata": {"a": "b"}}""")).Status);

        // A file of the configuration is nobody's to delete: it would be back at the next start.
        Assert.Equal(403, (await face.SendAsync("admin", "DELETE", $"/image/v2/images/{Face.ImageId}")).Status);
    }

    [Fact]
    public async Task A_shared_image_is_in_the_list_of_the_member_who_accepts_it()
    {
        var id = await CreateAsync("alice", "shared");
        var bob = face.ProjectIdOf("bob");
        var members = $"/image/v2/images/{id}/members";
        Assert.Equal((200, "pending"), await StatusOf(face.SendAsync("alice", "POST", members, $$"""{"member": "{{bob}}"}""")));
        Assert.Equal(409, (await face.SendAsync("alice", "POST", members, $$"""{"member": "{{bob}}"}""")).Status);
        Assert.Equal(200, (await face.SendAsync("bob", "GET", $"/image/v2/images/{id}")).Status);
        Assert.DoesNotContain(id, (await face.SendAsync("bob", "GET", "/image/v2/images?limit=1000")).Text, StringComparison.Ordinal);
        Assert.Contains(id, (await face.SendAsync("bob", "GET", "/image/v2/images?visibility=shared&member_status=pending")).Text, StringComparison.Ordinal);
        Assert.Equal(403, (await face.SendAsync("alice", "PUT", $"{members}/{bob}", """{"status": "accepted"}""")).Status);
        Assert.Equal(403, (await face.SendAsync("bob", "POST", members, """{"member": "x"}""")).Status);
        Assert.Equal(400, (await face.SendAsync("bob", "PUT", $"{members}/{bob}", """{"status": "wanted"}""")).Status);
        Assert.Equal((200, "accepted"), await StatusOf(face.SendAsync("bob", "PUT", $"{members}/{bob}", """{"status": "accepted"}""")));
        Assert.Contains(id, (await face.SendAsync("bob", "GET", "/image/v2/images?limit=1000")).Text, StringComparison.Ordinal);
        Assert.Contains(id, (await face.SendAsync("bob", "GET", "v2.1:/images")).Text, StringComparison.Ordinal);
        Assert.Equal(403, (await face.SendAsync("bob", "DELETE", $"/image/v2/images/{id}")).Status);
        Assert.Equal(bob, (await face.SendAsync("alice", "GET", members)).Json!["members"]![0]!["member_id"]!.GetValue<string>());
        Assert.Equal(204, (await face.SendAsync("alice", "DELETE", $"{members}/{bob}")).Status);
        Assert.Equal(404, (await face.SendAsync("bob", "GET", $"/image/v2/images/{id}")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"{members}/{bob}")).Status);
        Assert.Equal(403, (await face.SendAsync("alice", "GET", $"/image/v2/images/{await CreateAsync("alice")}/members")).Status);
    }

    [Fact]
    public async Task Lists_are_filtered_ordered_and_paged()
    {
        var prefix = Guid.NewGuid().ToString("N");
        var ids = new List<string>();
        foreach (var (name, size) in new[] { ("b", 10), ("a", 30), ("c", 20) })
        {
            var id = (await face.SendAsync("alice", "POST", "/image/v2/images", $$"""{"name": "{{name}}", "disk_format": "raw", "container_format": "bare", "set": "{{prefix}}", "tags": ["{{name}}", "all"]}""")).Json!["id"]!.GetValue<string>();
            Assert.Equal(204, (await UploadAsync("alice", id, new byte[size])).Status);
            ids.Add(id);
        }

        Assert.Equal(["c", "a", "b"], await NamesAsync($"set={prefix}"));
        Assert.Equal(["a", "b", "c"], await NamesAsync($"set={prefix}&sort_key=name&sort_dir=asc"));
        Assert.Equal(["a", "c", "b"], await NamesAsync($"set={prefix}&sort=size:desc"));
        Assert.Equal(["c", "b"], await NamesAsync($"set={prefix}&name=in:b,c"));
        Assert.Equal(["c"], await NamesAsync($"set={prefix}&size_min=11&size_max=20"));
        Assert.Equal(["a"], await NamesAsync($"set={prefix}&tag=a&tag=all"));
        Assert.Empty(await NamesAsync($"set={prefix}&status=queued"));
        Assert.Empty(await NamesAsync($"set={prefix}&created_at=gt:2999-01-01T00:00:00Z"));
        var names = new List<string>();
        for (var next = $"/v2/images?set={prefix}&limit=1&sort=name:asc"; next is not null;)
        {
            var page = (await face.SendAsync("alice", "GET", "/image" + next)).Json!;
            names.AddRange(page["images"]!.AsArray().Select(i => i!["name"]!.GetValue<string>()));
            next = page["next"]?.GetValue<string>();
        }

        Assert.Equal(["a", "b", "c"], names);
        Assert.Equal(["c", "a"], (await face.SendAsync("alice", "GET", $"v2.1:/images?property-set={prefix}&limit=2")).Json!["images"]!.AsArray().Select(i => i!["name"]!.GetValue<string>()));
        Assert.Equal(204, (await face.SendAsync("alice", "DELETE", $"v1.1:/images/{ids[0]}")).Status);
        Assert.Equal(["c", "a"], await NamesAsync($"set={prefix}"));
    }

    [Theory]
    [InlineData("limit=x")]
    [InlineData("limit=-1")]
    [InlineData("marker=nothing")]
    [InlineData("sort_key=secret")]
    [InlineData("sort_dir=up")]
    [InlineData("sort=name:up")]
    [InlineData("visibility=secret")]
    [InlineData("member_status=x")]
    [InlineData("size_min=x")]
    [InlineData("os_hidden=x")]
    [InlineData("protected=x")]
    [InlineData("created_at=gt:yesterday")]
    public async Task A_list_that_cannot_be_understood_is_a_bad_request(string query) =>
        Assert.Equal(400, (await face.SendAsync("alice", "GET", $"/image/v2/images?{query}")).Status);

    [Fact]
    public async Task A_deactivated_image_gives_its_bytes_to_nobody_but_administrators_and_builds_no_server()
    {
        var id = await CreateAsync("alice");
        await UploadAsync("alice", id, [1, 2, 3]);
        Assert.Equal(404, (await face.SendAsync("bob", "POST", $"/image/v2/images/{id}/actions/deactivate")).Status);
        Assert.Equal(204, (await face.SendAsync("alice", "POST", $"/image/v2/images/{id}/actions/deactivate")).Status);
        Assert.Equal(403, (await face.SendAsync("alice", "GET", $"/image/v2/images/{id}/file")).Status);
        Assert.Equal(200, (await face.SendAsync("admin", "GET", $"/image/v2/images/{id}/file")).Status);
        Assert.Equal(400, (await face.SendAsync("alice", "POST", "v2.1:/servers", $$"""{"server": {"name": "s", "imageRef": "{{id}}", "flavorRef": "1"} }""")).Status);
        Assert.Equal(204, (await face.SendAsync("admin", "POST", $"/image/v2/images/{id}/actions/reactivate")).Status);
        Assert.Equal(200, (await face.SendAsync("alice", "GET", $"/image/v2/images/{id}/file")).Status);
    }

    [Fact]
    public async Task Compute_sets_the_same_metadata()
    {
        var id = await CreateAsync("alice");
        var path = $"v1.1:/images/{id}/metadata";
        Assert.Equal("""{"metadata":{"a":"1"}}""", (await face.SendAsync("alice", "POST", path, """{"metadata": {"a": "1"}}""")).Text);
        Assert.Equal("""{"meta":{"b":"2"}}""", (await face.SendAsync("alice", "PUT", $"{path}/b", """{"meta": {"b": "2"}}""")).Text);
        Assert.Equal(("1", "2"), (Text(await face.SendAsync("alice", "GET", $"/image/v2/images/{id}"), "a"), Text(await face.SendAsync("alice", "GET", $"/image/v2/images/{id}"), "b")));
        Assert.Equal(204, (await face.SendAsync("alice", "DELETE", $"{path}/a")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "DELETE", $"{path}/a")).Status);
        Assert.Equal(404, (await face.SendAsync("alice", "GET", $"{path}/a")).Status);
        Assert.Equal("""{"metadata":{"c":"3"}}""", (await face.SendAsync("alice", "PUT", path, """{"metadata": {"c": "3"}}""")).Text);
        Assert.Equal(400, (await face.SendAsync("alice", "PUT", $"{path}/c", """{"meta": {"d": "2"}}""")).Status);
        Assert.Equal(400, (await face.SendAsync("alice", "PUT", path, """{"metadata": {"size": "3"}}""")).Status);
        Assert.Contains("<meta key=\"c\">3</meta>", (await face.SendAsync("alice", "GET", path + ".xml")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image")]
    [InlineData("images")]
    [InlineData("member")]
    [InlineData("members")]
    public async Task Schemas_say_their_name(string name) => Assert.Equal(name, Text(await face.SendAsync("alice", "GET", $"/image/v2/schemas/{name}"), "name"));

    private static string? Text(Reply reply, string name) => reply.Json![name]?.ToString();

    private static async Task<(int, string)> FaultAsync(Task<Reply> sending) => await sending is var reply ? (reply.Status, reply.Fault.Name) : default;

    private static async Task<(int, string?)> StatusOf(Task<Reply> sending) => await sending is var reply ? (reply.Status, Text(reply, "status")) : default;

    private async Task<List<string>> NamesAsync(string query) => [.. (await face.SendAsync("alice", "GET", $"/image/v2/images?{query}")).Json!["images"]!.AsArray().Select(i => i!["name"]!.GetValue<string>())];

    private async Task<string> CreateAsync(string user, string visibility = "private")
    {
        var created = await face.SendAsync(user, "POST", "/image/v2/images", $$"""{"name": "made", "visibility": "{{visibility}}", "disk_format": "raw", "container_format": "bare"}""");
        Assert.Equal(201, created.Status);
        return created.Json!["id"]!.GetValue<string>();
    }

    private Task<Reply> PatchAsync(string user, string id, string patch) => face.SendAsync(user, "PATCH", $"/image/v2/images/{id}", patch, ("Content-Type", Patch));

    private async Task<Reply> UploadAsync(string user, string id, byte[] bytes, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/image/v2/images/{id}/file");
        request.Headers.Add("X-Auth-Token", await face.LogInAsync(user));
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = true;
        request.Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var answer = await face.Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return new Reply((int)answer.StatusCode, text, text.Length == 0 ? null : JsonNode.Parse(text), new Dictionary<string, string>());
    }

    private async Task UntilAsync(string id, string status)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (Text(await face.SendAsync("alice", "GET", $"/image/v2/images/{id}"), "status") != status)
        {
            Assert.True(DateTime.UtcNow < deadline, $"The image does not become {status}.");
            await Task.Delay(20);
        }
    }
}
