using System.Diagnostics;
using MongoDB.Bson;
using MongoDB.Driver;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>
/// The oracle's own trial: one thing after the other is broken by hand in an installation where all is well — a disk that is left over, a record that is lost, two VMs that run — and each time the oracle
/// must find just that. Before and after, it must find nothing.
/// </summary>
internal static class Controls
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private const string NotWhole = "\"whole\": false";
    private static readonly string[] StartingOperations = ["start", "start_on", "resume", "resume_on"];

    /// <summary>Something broken by hand.</summary>
    /// <param name="Name">For the table.</param>
    /// <param name="Complaint">What the oracle must say of it.</param>
    /// <param name="Break">Breaks it, and returns what mends it.</param>
    private sealed record Control(string Name, string Complaint, Func<Trial, Task<Func<Task>>> Break);

    // At VERIFY_RESIZE: one VM runs at the destination, one is stopped and blocked at the source.
    private static readonly IReadOnlyList<Control> All =
    [
        new("a VHD is left at the source", "VHD files", t => FileAsync(Path.Combine(SrPath(t, t.Source), $"{Guid.NewGuid()}.vhd"))),
        new("a VHD is left at the destination", "VHD files", t => FileAsync(Path.Combine(SrPath(t, t.Destination), $"{Guid.NewGuid()}.vhd"))),
        new("a VHD of the stopped VM is gone", "VHD files", MoveLeafAwayAsync),
        new("a staging folder is left", "staging folders are left", t => FolderAsync(Path.Combine(SrPath(t, t.Destination), "novashim-" + Guid.NewGuid()))),
        new("a line of authorized_keys is left", "authorized_keys has", t => AppendAsync(Path.Combine(Home(t, t.Destination), ".ssh", "authorized_keys"), "restrict ssh-ed25519 AAAA novashim-left\n")),
        new("a migration's key is left", "migration keys are left", t => FolderAsync(Path.Combine(Home(t, t.Source), ".novashim", Guid.NewGuid().ToString()))),
        new("the stopped VM could be started", "could be started by accident", async t =>
        {
            await UnblockAsync(t);
            return () => BlockAsync(t);
        }),
        new("a journal record is lost", NotWhole, t => DamageAsync(t, (bytes, at) => bytes.AsSpan(at[^2], 4096).Clear())),
        new("two journal records are out of order", NotWhole, t => DamageAsync(t, (bytes, at) =>
        {
            var first = bytes.AsSpan(at[^3], 4096).ToArray();
            bytes.AsSpan(at[^2], 4096).CopyTo(bytes.AsSpan(at[^3]));
            first.CopyTo(bytes.AsSpan(at[^2]));
        })),
        new("a journal record is damaged", NotWhole, t => DamageAsync(t, (bytes, at) => bytes[at[^2] + 100] ^= 1)),
        new("the migration has a next step that nobody takes", "not at rest", t => SetAsync(t, "migrations", "instance_uuid", "saga.actor", "nobody")),
        new("the migration says something else than the hosts", "the migration is migrating", t => SetAsync(t, "migrations", "instance_uuid", "status", "migrating")),
        new("the server has a task for ever", "the server has a task", t => SetAsync(t, "instances", "uuid", "task_state", "resize_migrating")),
        new("the server's document names the wrong host", "the API has the server on", t => SetAsync(t, "instances", "uuid", "host", t.Source)),
        new("the server stands under no migration", "the server's migration is|the API calls the server", t => SetAsync(t, "instances", "uuid", "migration_uuid", BsonNull.Value)),
        new("no VM runs", "expected one that is running", async t =>
        {
            var (host, vm) = await VmAsync(t, t.Destination);
            await host.CallAsync("VM.hard_shutdown", vm);
            return () => host.CallAsync("VM.start", vm, false, true);
        }),
        new("two VMs run", "expected one that is halted", async t =>
        {
            var (host, vm) = await VmAsync(t, t.Source);
            await UnblockAsync(t);
            await host.CallAsync("VM.start", vm, false, true);
            return async () =>
            {
                await host.CallAsync("VM.clean_shutdown", vm);
                await BlockAsync(t);
            };
        }),
    ];

    /// <summary>Runs them all in one installation; tells each row as it is there.</summary>
    public static async Task RunAsync(Action<Row> tell)
    {
        await using var all = await Installation.StartAsync(impatient: false);
        var trial = await Trial.MovedAsync(all);
        await new Oracle(trial).CheckAsync(trial.Destination, trial.Source, "finished");
        foreach (var control in All)
        {
            tell(await JudgedBadAsync(control.Name, control.Complaint, async () =>
            {
                var mend = await control.Break(trial);
                try
                {
                    await new Oracle(trial, Patience).CheckAsync(trial.Destination, trial.Source, "finished");
                }
                finally
                {
                    await mend();
                }
            }));
        }

        tell(await JudgedBadAsync("two VMs run for a moment", "run at the same time", () => TwoForAMomentAsync(trial)));

        // All is mended: nothing may be found any more, or what was found above was something else.
        await new Oracle(trial).CheckAsync(trial.Destination, trial.Source, "finished");
        await trial.AskAsync(Moment.Confirm);
        await trial.EndAsync(Outcome.Confirmed);
        tell(await JudgedBadAsync("the guest has gone back in time", "which had been written", () => new Oracle(trial, Patience) { Written = long.MaxValue }.CheckLastAsync(trial.Destination, "confirmed")));
        tell(await JudgedBadAsync("a server is left", "VMs are left|VMs that nobody asked for|VHD files", () => new Oracle(trial, Patience).CheckNothingIsLeftAsync()));
        var nodes = all.Documents.GetCollection<BsonDocument>("compute_nodes");
        var destination = new BsonDocument("host", trial.Destination);
        var claims = (await nodes.Find(destination).SingleAsync())["claims"];
        await trial.DeleteAsync();
        await new Oracle(trial).CheckNothingIsLeftAsync();
        tell(await JudgedBadAsync("a claim is left", "memory is claimed on", async () =>
        {
            // Its host would drop it at its next look: it does not look.
            await all.FreezeAsync(trial.DestinationCompute, Holder.Fault);
            await nodes.UpdateOneAsync(destination, new BsonDocument("$set", new BsonDocument("claims", claims)));
            await new Oracle(trial, Patience).CheckNothingIsLeftAsync();
        }));
    }

    private static async Task<Row> JudgedBadAsync(string name, string complaint, Func<Task> judge)
    {
        var clock = Stopwatch.StartNew();
        var said = "nothing";
        try
        {
            await judge();
        }
        catch (Xunit.Sdk.XunitException e)
        {
            said = e.Message;
        }

        var found = complaint.Split('|').Any(c => said.Contains(c, StringComparison.Ordinal));
        return new Row("negative control", name, found, clock.Elapsed.TotalSeconds, found ? $"judged bad: {said}" : $"the oracle should say '{complaint}' and says: {said}", "");
    }

    private static async Task TwoForAMomentAsync(Trial trial)
    {
        var (host, vm) = await VmAsync(trial, trial.Source);
        await UnblockAsync(trial);
        var watch = new RunningWatch(trial);
        await host.CallAsync("VM.start", vm, false, true);
        await Eventually.Async(() => watch.HasSeen, () => "nobody has seen it", TimeSpan.FromSeconds(30));
        await host.CallAsync("VM.clean_shutdown", vm);
        await BlockAsync(trial);
        await watch.DisposeAsync();
    }

    private static async Task<(XenHost Host, string Vm)> VmAsync(Trial trial, string name)
    {
        var host = trial.HostOf(name);
        var vms = (await host.CallAsync("VM.get_all_records")).AsObject();
        return (host, vms.Single(v => v.Value!["other_config"]!["nova_uuid"]?.ToString() == trial.Server && !v.Value["is_a_snapshot"]!.GetValue<bool>()).Key);
    }

    private static async Task UnblockAsync(Trial trial)
    {
        var (host, vm) = await VmAsync(trial, trial.Source);
        foreach (var operation in StartingOperations)
        {
            await host.CallAsync("VM.remove_from_blocked_operations", vm, operation);
        }
    }

    private static async Task BlockAsync(Trial trial)
    {
        var (host, vm) = await VmAsync(trial, trial.Source);
        var migration = await trial.MigrationAsync();
        foreach (var operation in StartingOperations)
        {
            await host.CallAsync("VM.add_to_blocked_operations", vm, operation, $"novashim-migration-{migration.Uuid}");
        }
    }

    private static Task<Func<Task>> FileAsync(string path)
    {
        File.WriteAllBytes(path, []);
        return Task.FromResult<Func<Task>>(() => Done(() => File.Delete(path)));
    }

    private static Task<Func<Task>> FolderAsync(string path)
    {
        Directory.CreateDirectory(path);
        return Task.FromResult<Func<Task>>(() => Done(() => Directory.Delete(path)));
    }

    private static Task<Func<Task>> AppendAsync(string path, string line)
    {
        var before = File.ReadAllBytes(path);
        File.AppendAllText(path, line);
        return Task.FromResult<Func<Task>>(() => Done(() => File.WriteAllBytes(path, before)));
    }

    private static async Task<Func<Task>> MoveLeafAwayAsync(Trial trial)
    {
        var leaf = await LeafAsync(trial);
        var aside = leaf + ".aside";
        File.Move(leaf, aside);
        return () => Done(() => File.Move(aside, leaf));
    }

    // In the stopped VM's leaf, where nobody writes: each record begins with its mark, at the start of a sector.
    private static async Task<Func<Task>> DamageAsync(Trial trial, Action<byte[], IReadOnlyList<int>> damage)
    {
        var leaf = await LeafAsync(trial);
        var before = await File.ReadAllBytesAsync(leaf);
        var after = before.ToArray();
        var records = new List<(long Sequence, int At)>();
        for (var at = 0; at + 4096 <= after.Length; at += 512)
        {
            if (after.AsSpan(at, 8).SequenceEqual("NSRECORD"u8))
            {
                records.Add((BitConverter.ToInt64(after, at + 32), at));
            }
        }

        Assert.True(records.Count > 3, $"the leaf has {records.Count} records");
        damage(after, [.. records.OrderBy(r => r.Sequence).Select(r => r.At)]);
        await File.WriteAllBytesAsync(leaf, after);
        return () => File.WriteAllBytesAsync(leaf, before);
    }

    private static async Task<string> LeafAsync(Trial trial)
    {
        var (host, vm) = await VmAsync(trial, trial.Source);
        var vdis = (await host.CallAsync("VDI.get_all_records")).AsObject();
        var vbds = (await host.CallAsync("VBD.get_all_records")).AsObject();
        var vdi = vbds.Single(b => b.Value!["VM"]!.ToString() == vm && b.Value["userdevice"]!.ToString() == "0").Value!["VDI"]!.ToString();
        return Path.Combine(SrPath(trial, trial.Source), $"{vdis[vdi]!["uuid"]}.vhd");
    }

    private static async Task<Func<Task>> SetAsync(Trial trial, string collection, string key, string field, BsonValue value)
    {
        var documents = trial.All.Documents.GetCollection<BsonDocument>(collection);
        var mine = new BsonDocument(key, trial.Server);
        var before = await documents.Find(mine).SingleAsync();
        await documents.UpdateOneAsync(mine, new BsonDocument("$set", new BsonDocument(field, value)));
        return () => documents.ReplaceOneAsync(mine, before);
    }

    private static string SrPath(Trial trial, string host) => trial.All.FactsOf(host)["sr_path"]!.ToString();

    private static string Home(Trial trial, string host) => Path.Combine(trial.All.RootOf(host), "dom0", "root");

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
