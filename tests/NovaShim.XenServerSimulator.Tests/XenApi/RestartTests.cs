using System.Text.Json;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>What a root keeps, however the process on it came to its end.</summary>
public sealed class RestartTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_restart_keeps_everything_but_references_sessions_and_running_VMs(bool killed)
    {
        string root = Directory.CreateTempSubdirectory("xenserver-").FullName;
        try
        {
            string vmUuid, vdiUuid, suspendedUuid, oldVm, oldSession, url, password;
            await using (HostProcess first = await HostProcess.StartAsync(root))
            {
                using XenClient client = await first.LoginAsync();
                (url, password, oldSession) = (first.Url, first.Password, client.Session);
                string vdi = await client.NewVdiAsync();
                oldVm = await client.NewVmAsync("kept");
                await client.NewVbdAsync(oldVm, vdi);
                vmUuid = await client.RefAsync("VM.get_uuid", oldVm);
                vdiUuid = await client.RefAsync("VDI.get_uuid", vdi);
                await client.CallAsync("VM.add_to_other_config", oldVm, "mark", "1");
                await client.CallAsync("VM.snapshot", oldVm, "kept-snapshot");
                await client.CallAsync("VM.start", oldVm, false, false);
                string suspended = await client.NewVmAsync("asleep");
                suspendedUuid = await client.RefAsync("VM.get_uuid", suspended);
                await client.CallAsync("VM.start", suspended, false, false);
                await client.CallAsync("VM.suspend", suspended);
                if (killed)
                {
                    await first.KillAsync();
                }
                else
                {
                    Assert.Equal(0, await first.TerminateAsync());
                    Assert.False(File.Exists(Path.Combine(root, "ready.json")));
                }
            }

            await using HostProcess second = await HostProcess.StartAsync(root);
            Assert.Equal(url, second.Url);
            Assert.Equal(password, second.Password);
            using XenClient again = await second.LoginAsync();
            await again.FailsAsync("HANDLE_INVALID", "VM.get_record", oldVm);
            Assert.Equal("SESSION_INVALID", (await Assert.ThrowsAsync<XenFailureException>(() => again.SendAsync("pool.get_all", oldSession))).Code);
            string vm = await again.RefAsync("VM.get_by_uuid", vmUuid);
            JsonElement record = await again.CallAsync("VM.get_record", vm);
            Assert.Equal("Halted", record.GetProperty("power_state").GetString());
            Assert.Equal(-1, record.GetProperty("domid").GetInt64());
            Assert.Equal("1", record.GetProperty("other_config").GetProperty("mark").GetString());
            Assert.Empty(record.GetProperty("current_operations").EnumerateObject());
            string snapshot = record.GetProperty("snapshots")[0].GetString()!;
            Assert.Equal("kept-snapshot", await again.RefAsync("VM.get_name_label", snapshot));
            Assert.Equal(snapshot, record.GetProperty("parent").GetString());
            string asleep = await again.RefAsync("VM.get_by_uuid", suspendedUuid);
            Assert.Equal("Suspended", await again.PowerStateAsync(asleep));
            await again.CallAsync("VM.resume", asleep, false, false);
            Assert.Equal("Running", await again.PowerStateAsync(asleep));
            string vbd = record.GetProperty("VBDs")[0].GetString()!, vdi2 = await again.RefAsync("VDI.get_by_uuid", vdiUuid);
            Assert.Equal(vdi2, await again.RefAsync("VBD.get_VDI", vbd));
            Assert.False((await again.CallAsync("VBD.get_currently_attached", vbd)).GetBoolean());
            await again.CallAsync("VM.start", vm, false, false);
            await again.CallAsync("VM.clean_shutdown", vm);
            await again.CallAsync("SR.scan", await again.OnlyAsync("SR"));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public async Task A_second_process_on_the_same_root_is_turned_away()
    {
        await using HostProcess first = await HostProcess.StartAsync();
        (int exitCode, string output) = await HostProcess.RunAsync("--name", "x", "--root", first.Root, "--ready", Path.Combine(first.Root, "second.json"));
        Assert.Equal(1, exitCode);
        Assert.Contains(first.Root, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        using XenClient client = await first.LoginAsync();
    }

    [Theory]
    [InlineData("--port", "99999")]
    [InlineData("--port", "high")]
    [InlineData("--memory", "0")]
    [InlineData("--coalesce-delay", "NaN")]
    [InlineData("--frobnicate", "1")]
    public async Task A_wrong_command_line_is_told_what_is_wrong(string option, string value)
    {
        string root = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        (int exitCode, string output) = await HostProcess.RunAsync("--name", "x", "--root", root, "--ready", Path.Combine(root, "r"), option, value);
        Assert.Equal(1, exitCode);
        Assert.Contains(option, output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(root));
    }
}
