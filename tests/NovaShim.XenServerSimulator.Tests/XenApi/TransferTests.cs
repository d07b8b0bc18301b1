using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>Disks over HTTP: what is put in comes out again.</summary>
[Collection(OneHost.Name)]
public sealed class TransferTests(RunningHost host)
{
    private const int Size = 6 << 20;

    [Fact]
    public async Task Raw_content_goes_in_and_comes_out_raw_and_through_a_VHD()
    {
        using XenClient client = await host.Process.LoginAsync();
        byte[] content = RandomNumberGenerator.GetBytes(Size);
        string first = await client.NewVdiAsync(Size), second = await client.NewVdiAsync(Size);
        string task = await client.RefAsync("task.create", "import", "of a test");
        using ByteArrayContent body = new(content);
        using HttpResponseMessage put = await client.Http.PutAsync($"/import_raw_vdi?session_id={client.Session}&vdi={first}&format=raw&task_id={task}", body);
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        JsonElement record = await client.TaskAsync(task);
        Assert.Equal("success", record.GetProperty("status").GetString());
        Assert.Equal(1.0, record.GetProperty("progress").GetDouble());
        Assert.True((await client.CallAsync("VDI.get_physical_utilisation", first)).GetInt64() > Size);

        string uuid = await client.RefAsync("VDI.get_uuid", first);
        Assert.Equal(content, await client.Http.GetByteArrayAsync($"/export_raw_vdi?session_id={client.Session}&vdi={uuid}&format=raw"));
        byte[] vhd = await client.Http.GetByteArrayAsync($"/export_raw_vdi?session_id={client.Session}&vdi={first}&format=vhd");
        Assert.Equal("conectix", Encoding.ASCII.GetString(vhd, vhd.Length - 512, 8));
        using ByteArrayContent image = new(vhd);
        using HttpRequestMessage request = new(HttpMethod.Put, $"/import_raw_vdi?vdi={second}&format=vhd") { Content = image };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"root:{host.Process.Password}")));
        using HttpResponseMessage again = await client.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(content, await client.Http.GetByteArrayAsync($"/export_raw_vdi?session_id={client.Session}&vdi={second}"));

        string copy = await client.RefAsync("VDI.copy", second, await client.OnlyAsync("SR"));
        Assert.Equal(content, await client.Http.GetByteArrayAsync($"/export_raw_vdi?session_id={client.Session}&vdi={copy}"));
    }

    [Fact]
    public async Task What_changed_since_a_snapshot_is_a_smaller_export()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vdi = await client.NewVdiAsync(Size);
        using ByteArrayContent body = new(RandomNumberGenerator.GetBytes(Size));
        (await client.Http.PutAsync($"/import_raw_vdi?session_id={client.Session}&vdi={vdi}", body)).EnsureSuccessStatusCode();
        string snapshot = await client.RefAsync("VDI.snapshot", vdi);
        byte[] whole = await client.Http.GetByteArrayAsync($"/export_raw_vdi?session_id={client.Session}&vdi={snapshot}&format=vhd");
        byte[] delta = await client.Http.GetByteArrayAsync($"/export_raw_vdi?session_id={client.Session}&vdi={vdi}&format=vhd&base={snapshot}");
        Assert.True(delta.Length * 10 < whole.Length, $"{delta.Length} of {whole.Length}");
    }

    [Fact]
    public async Task Nobody_gets_in_without_a_session_and_errors_land_in_the_task()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vdi = await client.NewVdiAsync(Size);
        using HttpResponseMessage stranger = await client.Http.GetAsync($"/export_raw_vdi?session_id=OpaqueRef:x&vdi={vdi}");
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        using ByteArrayContent tooMuch = new(new byte[Size + 4096]);
        string task = await client.RefAsync("task.create", "import", "");
        using HttpResponseMessage refused = await client.Http.PutAsync($"/import_raw_vdi?session_id={client.Session}&vdi={vdi}&task_id={task}", tooMuch);
        Assert.Equal(HttpStatusCode.InternalServerError, refused.StatusCode);
        JsonElement record = await client.TaskAsync(task);
        Assert.Equal("failure", record.GetProperty("status").GetString());
        Assert.Equal("SR_BACKEND_FAILURE_79", record.GetProperty("error_info")[0].GetString());

        using HttpRequestMessage chunked = new(HttpMethod.Put, $"/import_raw_vdi?session_id={client.Session}&vdi={vdi}&format=vhd")
        {
            Content = new ByteArrayContent(new byte[512]),
        };
        chunked.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage needsLength = await client.Http.SendAsync(chunked);
        Assert.Equal(HttpStatusCode.LengthRequired, needsLength.StatusCode);

        string vm = await client.NewVmAsync();
        await client.NewVbdAsync(vm, vdi);
        await client.CallAsync("VM.start", vm, false, false);
        using ByteArrayContent body = new(new byte[4096]);
        using HttpResponseMessage inUse = await client.Http.PutAsync($"/import_raw_vdi?session_id={client.Session}&vdi={vdi}", body);
        Assert.Equal(HttpStatusCode.InternalServerError, inUse.StatusCode);
        Assert.Contains("VDI_IN_USE", await inUse.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage alsoInUse = await client.Http.GetAsync($"/export_raw_vdi?session_id={client.Session}&vdi={vdi}");
        Assert.Equal(HttpStatusCode.InternalServerError, alsoInUse.StatusCode);
        Assert.Contains("VDI_IN_USE", await alsoInUse.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await client.CallAsync("VM.hard_shutdown", vm);
    }
}
