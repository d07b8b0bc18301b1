using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace NovaShim.System.Tests;

/// <summary>Images that are uploaded to the real program: what is no disk is refused, and what a killed program had half of is no image.</summary>
public sealed class ImageUploadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("novashim-uploads-").FullName;
    private readonly HttpClient _http = new();
    private string _token = "";
    private string _api = "";

    public void Dispose()
    {
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_vhd_is_looked_into_before_it_becomes_an_image()
    {
        var file = Path.Combine(_folder, "disk.vhd");
        await using (var made = await BuiltProgram.RunAsync(BuiltProgram.Simulator, "image", "--size", "67108864", "--content", "1048576", "--out", file))
        {
            Assert.Equal(0, made.ExitCode);
        }

        await using var program = await StartAsync();
        var vhd = await File.ReadAllBytesAsync(file);
        var good = await CreateAsync("vhd");
        Assert.Equal(204, (await UploadAsync(good, vhd)).Status);
        var image = await ShowAsync(good);
        Assert.Equal(("active", 67108864, vhd.Length), (image["status"]!.GetValue<string>(), image["virtual_size"]!.GetValue<int>(), image["size"]!.GetValue<int>()));

        // Cut short, with a broken table, and no disk at all.
        var broken = vhd.ToArray();
        broken.AsSpan(1536, 4).Fill(0x7f);
        foreach (var bytes in new[] { vhd[..^4096], broken, Encoding.ASCII.GetBytes(new string('x', 4096)), [] })
        {
            var bad = await CreateAsync("vhd");
            var (status, text) = await UploadAsync(bad, bytes);
            Assert.Equal(400, status);
            Assert.Contains("no valid VHD", text, StringComparison.Ordinal);
            Assert.DoesNotContain(_folder, text, StringComparison.Ordinal);
            Assert.Equal("queued", (await ShowAsync(bad))["status"]!.GetValue<string>());
        }

        Assert.Single(Directory.GetFiles(Path.Combine(_folder, "images")));
    }

    [Fact]
    public async Task Half_an_upload_of_a_killed_program_is_no_image_and_leaves_nothing()
    {
        string id;
        await using (var program = await StartAsync())
        {
            id = await CreateAsync("raw");
            using var socket = new TcpClient();
            await socket.ConnectAsync(new Uri(_api).Host, new Uri(_api).Port);
            var head = $"PUT /image/v2/images/{id}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {_token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 90000000\r\n\r\n";
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
            await socket.GetStream().WriteAsync(new byte[1 << 20]);
            await Eventually.Async(() => Directory.Exists(Images) && Directory.GetFiles(Images).Length == 1, () => "the upload does not begin", TimeSpan.FromSeconds(60));
            await program.KillAsync();
        }

        await using (await StartAsync())
        {
            Assert.Equal("queued", (await ShowAsync(id))["status"]!.GetValue<string>());
            await Eventually.Async(() => Directory.GetFiles(Images).Length == 0, () => "what was half is still there", TimeSpan.FromSeconds(60));
            Assert.Equal(204, (await UploadAsync(id, new byte[5])).Status);
            Assert.Equal("active", (await ShowAsync(id))["status"]!.GetValue<string>());
        }

        await using (await StartAsync())
        {
            using var request = Request(HttpMethod.Get, $"/image/v2/images/{id}/file");
            using var answer = await _http.SendAsync(request);
            Assert.Equal(5, (await answer.Content.ReadAsByteArrayAsync()).Length);
            Assert.Single(Directory.GetFiles(Images));
        }
    }

    private string Images => Path.Combine(_folder, "images");

    private async Task<BuiltProgram> StartAsync()
    {
        var program = await BuiltProgram.StartAsync(
            BuiltProgram.NovaShim, Path.Combine(_folder, "ready.json"), "serve", "--set", "data=" + _folder, "--set", "api:urls=http://127.0.0.1:0", "--set", "identity:users:0:name=alice", "--set",
            "identity:users:0:password=secret");
        using var login = new HttpRequestMessage(HttpMethod.Get, program.Ready["api_url"]!.GetValue<string>() + "/v1.1/") { Headers = { { "X-Auth-User", "alice" }, { "X-Auth-Key", "secret" } } };
        using var client = new HttpClient();
        using var answer = await client.SendAsync(login);
        _token = answer.Headers.GetValues("X-Auth-Token").Single();
        _api = program.Ready["api_url"]!.GetValue<string>();
        return program;
    }

    private async Task<string> CreateAsync(string format)
    {
        using var request = Request(HttpMethod.Post, "/image/v2/images");
        request.Content = JsonContent.Create(new JsonObject { ["name"] = "uploaded", ["disk_format"] = format, ["container_format"] = "bare" });
        using var answer = await _http.SendAsync(request);
        Assert.Equal(201, (int)answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>())!["id"]!.GetValue<string>();
    }

    private async Task<(int Status, string Text)> UploadAsync(string id, byte[] bytes)
    {
        using var request = Request(HttpMethod.Put, $"/image/v2/images/{id}/file");
        request.Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var answer = await _http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<JsonObject> ShowAsync(string id)
    {
        using var request = Request(HttpMethod.Get, $"/image/v2/images/{id}");
        using var answer = await _http.SendAsync(request);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>())!;
    }

    private HttpRequestMessage Request(HttpMethod method, string path) => new(method, _api + path) { Headers = { { "X-Auth-Token", _token } } };
}
