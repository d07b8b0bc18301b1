using System.Text.Json;
using static NovaShim.XenServerSimulator.Tests.XenApi.XenClient;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>What a test can ask to go wrong, each on a host of its own.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private HostProcess? _host;

    private HostProcess Host => _host!;

    public async Task InitializeAsync() => _host = await HostProcess.StartAsync();

    public async Task DisposeAsync() => await Host.DisposeAsync();

    [Fact]
    public async Task A_message_fails_as_often_as_asked()
    {
        using XenClient client = await Host.LoginAsync();
        string vm = await client.NewVmAsync();
        (int exitCode, string output) = await HostProcess.RunAsync(
            "fault", "--root", Host.Root, "fail", "VM.start", "--times", "2", "SOME_CODE", "$self", "x");
        Assert.True(exitCode == 0, output);
        Assert.Equal(["SOME_CODE", vm, "x"], (await client.FailsAsync("SOME_CODE", "VM.start", vm, false, false)).Description);
        await client.TaskAsync(await client.RefAsync("Async.VM.start", vm, false, false));
        await client.CallAsync("VM.start", vm, false, false);
        Assert.Equal("Running", await client.PowerStateAsync(vm));
        (exitCode, output) = await HostProcess.RunAsync("fault", "--root", Host.Root, "fail", "VM.no_such", "X");
        Assert.Equal(1, exitCode);
        Assert.Contains("VM.no_such", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_is_lost_after_the_work_is_done()
    {
        using XenClient client = await Host.LoginAsync();
        string vm = await client.NewVmAsync();
        await Host.FaultAsync(new { kind = "fail", method = "VM.start", error = Texts("INTERNAL_ERROR", "lost"), after = true });
        await client.FailsAsync("INTERNAL_ERROR", "VM.start", vm, false, false);
        Assert.Equal("Running", await client.PowerStateAsync(vm));
    }

    [Fact]
    public async Task Sessions_expire_all_at_once_or_by_age()
    {
        using XenClient client = await Host.LoginAsync();
        await Host.FaultAsync(new { kind = "expire-sessions" });
        await client.FailsAsync("SESSION_INVALID", "pool.get_all");
        using XenClient later = await Host.LoginAsync();
        await Host.FaultAsync(new { kind = "session-lifetime", seconds = 0 });
        await later.FailsAsync("SESSION_INVALID", "pool.get_all");
    }

    [Fact]
    public async Task Memory_that_is_withheld_fails_a_start()
    {
        using XenClient client = await Host.LoginAsync();
        string vm = await client.NewVmAsync(), host = await client.OnlyAsync("host");
        await Host.FaultAsync(new { kind = "withhold-memory", bytes = 16L << 30 });
        await client.FailsAsync("NO_HOSTS_AVAILABLE", "VM.start", vm, false, false);
        XenFailureException failure = await client.FailsAsync("HOST_NOT_ENOUGH_FREE_MEMORY", "VM.start_on", vm, host, false, false);
        Assert.Equal([(264L << 20).ToString(System.Globalization.CultureInfo.InvariantCulture), "0"], failure.Description.Skip(1));
        await Host.FaultAsync(new { kind = "clear" });
        await client.CallAsync("VM.start_on", vm, host, false, false);
    }

    [Fact]
    public async Task A_host_that_refuses_comes_back_with_its_sessions()
    {
        using XenClient client = await Host.LoginAsync();
        await Host.FaultAsync(new { kind = "refuse", seconds = 2 });
        await Poll.UntilAsync(
            async () =>
            {
                try
                {
                    await client.CallAsync("pool.get_all");
                    return false;
                }
                catch (HttpRequestException)
                {
                    return true;
                }
            },
            "connections are refused");
        await Poll.UntilAsync(
            async () =>
            {
                try
                {
                    return (await client.CallAsync("pool.get_all")).GetArrayLength() == 1;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the host is back");
    }

    [Fact]
    public async Task A_clean_shutdown_that_hangs_is_ended_by_a_hard_one()
    {
        using XenClient client = await Host.LoginAsync();
        string vm = await client.NewVmAsync();
        await client.CallAsync("VM.start", vm, false, false);
        await Host.FaultAsync(new { kind = "fail", method = "VM.clean_shutdown", error = Texts("VM_SHUTDOWN_TIMEOUT", "$self", "1200"), seconds = 0.3 });
        XenFailureException failure = await client.FailsAsync("VM_SHUTDOWN_TIMEOUT", "VM.clean_shutdown", vm);
        Assert.Equal(["VM_SHUTDOWN_TIMEOUT", vm, "1200"], failure.Description);
        await Host.FaultAsync(new { kind = "hang", method = "VM.clean_shutdown" });
        string task = await client.RefAsync("Async.VM.clean_shutdown", vm);
        await client.CallAsync("VM.hard_shutdown", vm);
        Assert.Equal("Halted", await client.PowerStateAsync(vm));
        Assert.Equal("pending", await client.RefAsync("task.get_status", task));
    }

    [Theory]
    [InlineData("{\"kind\":\"nonsense\"}")]
    [InlineData("{\"kind\":\"refuse\"}")]
    [InlineData("{\"kind\":\"restart-sshd\"}")]
    [InlineData("{\"kind\":\"fail\",\"method\":\"VM.start\"}")]
    [InlineData("{\"kind\":\"hang\",\"method\":\"VM.start\",\"times\":0}")]
    [InlineData("not json")]
    public async Task A_fault_that_makes_no_sense_is_refused(string body)
    {
        using HttpClient client = new();
        using StringContent content = new(body, System.Text.Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await client.PostAsync($"{Host.Url}/simulator/faults", content);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, response.StatusCode);
        JsonElement waiting = JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync($"{Host.Url}/simulator/faults"));
        Assert.Equal(0, waiting.GetArrayLength());
    }
}
