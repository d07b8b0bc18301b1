using System.Diagnostics;
using System.Text.Json;
using static NovaShim.XenServerSimulator.Tests.XenApi.XenClient;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

[Collection(OneHost.Name)]
public sealed class EventAndTaskTests(RunningHost host)
{
    [Fact]
    public async Task The_first_event_from_adds_everything_and_the_next_tells_what_changed()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        JsonElement first = await client.CallAsync("event.from", Texts("VM"), "", 1.0);
        Assert.Contains(first.GetProperty("events").EnumerateArray(), e =>
            e.GetProperty("ref").GetString() == vm && e.GetProperty("operation").GetString() == "add" && e.GetProperty("class").GetString() == "vm");
        string token = first.GetProperty("token").GetString()!;
        Assert.Matches("^[0-9]{20},[0-9]{20}$", token);
        await client.CallAsync("VM.set_name_label", vm, "one");
        await client.CallAsync("VM.set_name_label", vm, "two");
        JsonElement second = await client.CallAsync("event.from", Texts($"vm/{vm}"), token, 5.0);
        JsonElement only = second.GetProperty("events").EnumerateArray().Single();
        Assert.Equal("mod", only.GetProperty("operation").GetString());
        Assert.Equal("two", only.GetProperty("snapshot").GetProperty("name_label").GetString());
        await client.CallAsync("VM.destroy", vm);
        JsonElement third = await client.CallAsync("event.from", Texts("vm"), second.GetProperty("token").GetString(), 5.0);
        JsonElement gone = third.GetProperty("events").EnumerateArray().Single(e => e.GetProperty("ref").GetString() == vm);
        Assert.Equal("del", gone.GetProperty("operation").GetString());
        Assert.False(gone.TryGetProperty("snapshot", out _));
    }

    [Fact]
    public async Task Event_from_waits_until_something_happens_or_time_is_up()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        string token = (await client.CallAsync("event.from", Texts($"vm/{vm}"), "", 1.0)).GetProperty("token").GetString()!;
        Stopwatch clock = Stopwatch.StartNew();
        JsonElement nothing = await client.CallAsync("event.from", Texts($"vm/{vm}"), token, 0.7);
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(0.5));
        Assert.Equal(0, nothing.GetProperty("events").GetArrayLength());
        Task<JsonElement> waiting = client.CallAsync("event.from", Texts($"vm/{vm}"), nothing.GetProperty("token").GetString(), 50.0);
        await client.CallAsync("VM.set_name_label", vm, "moved");
        Assert.Equal(1, (await waiting).GetProperty("events").GetArrayLength());
        await client.FailsAsync("EVENT_FROM_TOKEN_PARSE_FAILURE", "event.from", Texts("*"), "soon", 1.0);
    }

    [Fact]
    public async Task The_old_events_need_a_registration()
    {
        using XenClient client = await host.Process.LoginAsync();
        await client.FailsAsync("SESSION_NOT_REGISTERED", "event.next");
        string vm = await client.NewVmAsync();
        await client.CallAsync("event.register", new object[] { Texts("VM") });
        await client.CallAsync("VM.set_name_label", vm, "told");
        JsonElement told = default;
        await Poll.UntilAsync(
            async () =>
            {
                told = (await client.CallAsync("event.next")).EnumerateArray().FirstOrDefault(e => e.GetProperty("ref").GetString() == vm);
                return told.ValueKind != JsonValueKind.Undefined;
            },
            "the event comes");
        Assert.NotEqual("0.0", told.GetProperty("timestamp").GetString());
    }

    [Fact]
    public async Task A_task_has_its_result_as_XML_or_the_error()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        JsonElement cloned = await client.TaskAsync(await client.RefAsync("Async.VM.clone", vm, "copy"));
        Assert.Equal("success", cloned.GetProperty("status").GetString());
        Assert.Equal("Async.VM.clone", cloned.GetProperty("name_label").GetString());
        Assert.Equal(1.0, cloned.GetProperty("progress").GetDouble());
        string result = cloned.GetProperty("result").GetString()!;
        Assert.StartsWith("<value>OpaqueRef:", result, StringComparison.Ordinal);
        Assert.Equal("copy", await client.RefAsync("VM.get_name_label", result["<value>".Length..^"</value>".Length]));

        JsonElement failed = await client.TaskAsync(await client.RefAsync("Async.VM.clean_shutdown", vm));
        Assert.Equal("failure", failed.GetProperty("status").GetString());
        Assert.Equal(
            ["VM_BAD_POWER_STATE", vm, "running", "halted"], failed.GetProperty("error_info").EnumerateArray().Select(e => e.GetString()));
        await client.FailsAsync("MESSAGE_PARAMETER_COUNT_MISMATCH", "Async.VM.clean_shutdown");
    }

    [Fact]
    public async Task A_task_that_hangs_is_cancelled()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        await host.Process.FaultAsync(new { kind = "hang", method = "VM.get_possible_hosts" });
        string task = await client.RefAsync("Async.VM.get_possible_hosts", vm);
        Assert.Equal("pending", await client.RefAsync("task.get_status", task));
        await client.CallAsync("task.cancel", task);
        JsonElement record = await client.TaskAsync(task);
        Assert.Equal("cancelled", record.GetProperty("status").GetString());
        Assert.Equal(["TASK_CANCELLED", task], record.GetProperty("error_info").EnumerateArray().Select(e => e.GetString()));
        await client.CallAsync("task.destroy", task);
        await client.FailsAsync("HANDLE_INVALID", "task.get_status", task);
    }
}
