using System.Diagnostics;
using System.Text.Json;
using NovaShim.XenServerSimulator.Guests.Journal;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.Tests.Storage;
using NovaShim.XenServerSimulator.Tests.XenApi;

namespace NovaShim.XenServerSimulator.Tests.Guests;

public sealed class KilledHostTests
{
    [Fact]
    public async Task A_host_killed_again_and_again_among_snapshots_and_coalescing_loses_nothing_of_its_guest()
    {
        using HostFolder folder = new();
        string root = folder["root"], leaf = StorageFixture.NewUuid(), path = "";
        string? vmUuid = null;
        long last = 0;
        for (int round = 1; round <= 5; round++)
        {
            using Process host = Start(root, folder["ready"]);
            try
            {
                await HostFolder.UntilAsync(() => File.Exists(folder["ready"]), "the host is ready");
                JsonElement ready = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(folder["ready"]));
                path = Path.Combine(ready.GetProperty("sr_path").GetString()!, leaf + ".vhd");
                using XenClient client = new(ready.GetProperty("url").GetString()!);
                await client.LoginAsync("root", ready.GetProperty("password").GetString()!);
                vmUuid ??= await MakeVmAsync(client, path);
                await client.CallAsync("VM.start", await client.RefAsync("VM.get_by_uuid", vmUuid), false, false);
                string vdi = await client.RefAsync("VDI.get_by_uuid", leaf);

                // The rounds are killed at different times after their beginning, whatever the host does just then.
                Stopwatch running = Stopwatch.StartNew();
                while (running.ElapsedMilliseconds < 700 + (round * 137))
                {
                    string snapshot = await client.RefAsync("VDI.snapshot", vdi, new { });
                    await client.CallAsync("VDI.destroy", snapshot);
                }
            }
            finally
            {
                host.Kill();
                await host.WaitForExitAsync();
                File.Delete(folder["ready"]);
            }

            // What a restart does first; then nothing touches the files while they are read. Attached once more, the leaf gets the closing footer that the
            // kill denied it and other readers insist on.
            await using (StorageRepository settled = await StorageFixture.OpenAsync(
                Path.GetDirectoryName(path)!, new StorageOptions { CoalesceDelay = StorageFixture.Never }))
            {
                await (await settled.AttachAsync(leaf, false, CancellationToken.None)).DisposeAsync();
            }

            JournalReport report = await JournalCommand.VerifyAsync(path, CancellationToken.None);
            Assert.True(report.Whole && report.Last > last && report.Boots == round, $"round {round}, {last} before: {report}");
            await HostFolder.SucceedAsync("/usr/bin/python3", HostFolder.JournalScript, path);
            last = report.Last;
        }
    }

    private static async Task<string> MakeVmAsync(XenClient client, string path)
    {
        await ImageCommand.MakeAsync(path, 64 << 20, 4 << 20, 8 << 20, 3, CancellationToken.None);
        await client.CallAsync("SR.scan", await client.OnlyAsync("SR"));
        string vm = await client.NewVmAsync("killed");
        await client.NewVbdAsync(vm, await client.RefAsync("VDI.get_by_uuid", Path.GetFileNameWithoutExtension(path)));
        return await client.RefAsync("VM.get_uuid", vm);
    }

    private static Process Start(string root, string ready)
    {
        ProcessStartInfo start = new(
            HostFolder.Program,
            ["--name", "xen1", "--root", root, "--ready", ready, "--coalesce-delay", "0.05", "--guest-write-rate", $"{4 << 20}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
