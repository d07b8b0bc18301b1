using CsCheck;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Migrations;

/// <summary>
/// Random histories of a server: what its user and its operator ask for, who works when, who dies and at which write or side effect, which verbs fail, who stands still past its lease, who acts between another's
/// read and write. At every moment at most one VM runs and every document is final or has somebody to go on; and once all processes are back and nothing fails any more, everything comes to rest with documents and
/// hosts agreeing and nothing left over. CsCheck prints the seed and the shortest history it found; the variable CsCheck_Seed runs it again, CsCheck_Iter or CsCheck_Time makes the test longer.
/// </summary>
public sealed class RandomHistoryTests
{
    private static readonly string[] Actors3 = [Actors.Scheduler, "one", "two"];
    private static readonly string[] Verbs = ["prepare_source", "prepare_destination", "migrate_disk", "finish", "check", "confirm", "revert", "finish_revert", "destroy", "reboot"];

    private static readonly Gen<string> Actor = AnyOf(Actors3);
    private static readonly Gen<string> Verb = AnyOf(Verbs);
    private static readonly Gen<string> Request = AnyOf("resize", "resize", "resize", "migrate", "confirm", "confirm", "revert", "revert", "delete", "reboot", "abort", "retry", "error", "active");

    private static readonly Gen<string> Event = Gen.Frequency(
        (6, Request),
        (16, Actor.Select(a => $"work {a}")),
        (4, Gen.Const("settle")),
        (1, Actor.Select(a => $"kill {a}")),
        (2, Actor.Select(a => $"start {a}")),
        (3, Gen.Select(Actor, Gen.Int[1, 14], (a, n) => $"dies {a} {n}")),
        (2, Gen.Select(Verb, Gen.Bool, (v, after) => $"crash {v} {(after ? "after" : "before")}")),
        (3, Gen.Select(Verb, Gen.Int[1, 4], AnyOf("retry", "unwind", "reschedule", "copyagain"), Gen.Bool, (v, n, kind, after) => $"fail {v} {n} {kind} {(after ? "after" : "before")}")),
        (1, Verb.Select(v => $"freeze {v}")),
        (3, Gen.Select(Actor, Gen.OneOf(Request, Actor.Select(a => $"work {a}")), (a, what) => $"race {a} {what}")),
        (3, Gen.Int[1, 90].Select(s => $"pass {s}")));

    private static Gen<string> AnyOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(n => values[n]);

    [Fact]
    public void Whatever_happens_one_VM_runs_and_all_comes_to_rest()
    {
        // Histories block their threads; what they wait for needs others.
        ThreadPool.GetMinThreads(out _, out var completion);
        ThreadPool.SetMinThreads(32, completion);
        Event.Array[1, 40].Sample(events => new History().RunAsync(events).GetAwaiter().GetResult(), iter: Math.Max(2000, CsCheck.Check.Iter), print: events => string.Join("; ", events));
    }

    private sealed class History
    {
        private readonly HandDriven _plane = new(new ComputeOptions
        {
            HeartbeatSeconds = 15, ServiceDownSeconds = 60, LeaseSeconds = 15, PollSeconds = 2, RetrySeconds = 1, RetrySecondsMax = 20, MaxAttempts = 2,
        });

        private readonly Dictionary<string, (int Times, string Kind, bool After)> _failures = [];
        private string? _crashing;
        private string? _freezing;
        private bool _crashesAfter;
        private string _server = "";

        public async Task RunAsync(string[] events)
        {
            using var plane = _plane;
            plane.World.BeforeEffect = (verb, host) => OnEffect(verb, host, after: false);
            plane.World.AfterEffect = (verb, host) => OnEffect(verb, host, after: true);
            _server = (await plane.BootedAsync()).Uuid;
            await plane.PassAsync(TimeSpan.FromSeconds(90));
            foreach (var @event in events)
            {
                await PlayAsync(@event.Split(' '));
                Check(await plane.ServerAsync(_server));
            }

            await HealAsync();
            CheckAtRest(await plane.ServerAsync(_server));
        }

        private async Task PlayAsync(string[] what)
        {
            switch (what)
            {
                case ["work", var actor]:
                    await WorkAsync(actor);
                    break;
                case ["settle"]:
                    await TolerateAsync(_plane.SettleAsync);
                    break;
                case ["kill", var actor]:
                    _plane.Kill(actor);
                    break;
                case ["start", var actor]:
                    _plane.Start(actor);
                    break;
                case ["dies", var actor, var writes]:
                    _plane.ViewOf(actor).DiesAfterWrites = int.Parse(writes, null);
                    break;
                case ["crash", var verb, var when]:
                    (_crashing, _crashesAfter) = (verb, when == "after");
                    break;
                case ["fail", var verb, var times, var kind, var when]:
                    // A copy is only found wrong before the destination has started from it.
                    _failures[verb] = kind == "copyagain" ? (int.Parse(times, null), verb == "finish" ? kind : "retry", false) : (int.Parse(times, null), kind, when == "after");
                    break;
                case ["freeze", var verb]:
                    _freezing = verb;
                    break;
                case ["race", var actor, .. var other]:
                    _plane.ViewOf(actor).BeforeNextWrite(() => PlayAsync(other));
                    break;
                case ["pass", var seconds]:
                    await TolerateAsync(() => _plane.PassAsync(TimeSpan.FromSeconds(int.Parse(seconds, null))));
                    break;
                case [var request]:
                    await TolerateAsync(() => AskAsync(request));
                    break;
            }
        }

        private Task WorkAsync(string actor) => TolerateAsync(() => _plane.WorkAsync(actor));

        private async Task AskAsync(string request)
        {
            if (!_plane.IsAlive(Actors.Scheduler) || await _plane.ServerAsync(_server) is not { Deleted: false } server)
            {
                return;
            }

            var context = TestCloud.NewContext();
            var migration = server.MigrationUuid ?? "none";
            await (request switch
            {
                "resize" => _plane.Api.ResizeAsync(server, server.Flavor == TestCloud.Big ? TestCloud.Small : TestCloud.Big, context, default),
                "migrate" => _plane.Api.MigrateAsync(server, context, default),
                "confirm" => _plane.Api.ConfirmResizeAsync(server, context, default),
                "revert" => _plane.Api.RevertResizeAsync(server, context, default),
                "delete" => _plane.Api.DeleteAsync(server, context, default),
                "reboot" => _plane.Api.RebootAsync(server, hard: true, context, default),
                "abort" => _plane.Operator.AbortMigrationAsync(migration, default),
                "retry" => _plane.Operator.RetryMigrationAsync(migration, default),
                _ => _plane.Operator.ResetStateAsync(server, request, default),
            });
        }

        // Refusals, and the death or the isolation of whoever was to do it, are part of life.
        private static async Task TolerateAsync(Func<Task> act)
        {
            try
            {
                await act();
            }
            catch (Exception e) when (e is InstanceInvalidStateException or MigrationNotFoundException or MigrationInvalidStateException or ProcessDiedException or DocumentStoreException)
            {
            }
        }

        private void OnEffect(string verb, string host, bool after)
        {
            if (!after && _freezing == verb)
            {
                // It stands still past its lease and past being given up, while everybody else goes on; then it does what it was about to do.
                _freezing = null;
                var view = _plane.ViewOf(host);
                view.Away = true;
                TolerateAsync(async () =>
                {
                    foreach (var _ in Enumerable.Range(0, 3))
                    {
                        await _plane.PassAsync(TimeSpan.FromSeconds(45));
                        await _plane.SettleAsync();
                    }
                }).GetAwaiter().GetResult();
                view.Away = false;
            }

            if (_crashing == verb && _crashesAfter == after)
            {
                _crashing = null;
                _plane.Kill(host);
            }

            if (_failures.TryGetValue(verb, out var failure) && failure.Times > 0 && failure.After == after)
            {
                _failures[verb] = failure with { Times = failure.Times - 1 };
                throw failure.Kind == "retry"
                    ? new InvalidOperationException($"{verb} fails")
                    : new StepFailedException($"{verb} fails", failure.Kind switch { "unwind" => StepRecovery.Unwind, "reschedule" => StepRecovery.Reschedule, _ => StepRecovery.CopyAgain });
            }
        }

        private async Task HealAsync()
        {
            _failures.Clear();
            (_crashing, _freezing) = (null, null);
            foreach (var actor in Actors3)
            {
                // Restarted, so that no death or race that has not come about is left.
                _plane.Kill(actor);
                _plane.Start(actor);
            }

            for (var quiet = 0; quiet < 3;)
            {
                await _plane.PassAsync(TimeSpan.FromSeconds(30));
                var before = _plane.Store.All<InstanceDocument>().Sum(i => i.Revision) + _plane.Store.All<MigrationDocument>().Sum(m => m.Revision);
                await _plane.SettleAsync();
                quiet = before == _plane.Store.All<InstanceDocument>().Sum(i => i.Revision) + _plane.Store.All<MigrationDocument>().Sum(m => m.Revision) ? quiet + 1 : 0;
            }
        }

        // What holds at every moment.
        private void Check(InstanceDocument server)
        {
            Assert.Empty(_plane.World.Violations);
            foreach (var m in _plane.Store.All<MigrationDocument>())
            {
                var final = m.Status is MigrationStatus.Confirmed or MigrationStatus.Reverted or MigrationStatus.Error;
                Assert.True(m.Saga.Actor is not null || final || m is { Status: MigrationStatus.Finished, Saga.Step: ResizeMigration.AwaitVerification }, $"nobody goes on with {m}");
            }

            Assert.True(server.TaskState is null || server.Work is not null || server.MigrationUuid is not null, $"nobody goes on with {server}");
            Assert.True(server.VmState is not (VmStates.Resizing or VmStates.Resized) || server.MigrationUuid is not null, $"no migration has {server}");
            Assert.True(server.MigrationUuid is null || _plane.Store.All<MigrationDocument>().Any(m => m.Uuid == server.MigrationUuid), $"no migration is there for {server}");
        }

        private void CheckAtRest(InstanceDocument server)
        {
            Check(server);
            Assert.True(server is { TaskState: null, Work: null }, $"not at rest: {server}");
            Assert.DoesNotContain(_plane.Store.All<MigrationDocument>(), m => m.Saga.Actor is not null || m.Saga.Lease is not null);
            Assert.Empty(_plane.World.Preparations);
            var claims = _plane.Store.All<ComputeNodeDocument>().Where(n => n.Claims.ContainsKey(_server)).Select(n => n.Host).ToHashSet();
            var running = _plane.World.Vms.Where(v => v.Value.Running).ToList();
            if (server.Deleted)
            {
                Assert.Empty(_plane.World.Vms);
                Assert.Empty(claims);
                return;
            }

            // The one VM runs where the server is said to be, as what it is said to be.
            var vm = Assert.Single(running);
            Assert.Equal(server.Host, vm.Key.Host);
            Assert.Equal(server.Flavor.MemoryMb, vm.Value.MemoryMb);
            Assert.False(vm.Value.Blocked);
            if (server.VmState == VmStates.Resized)
            {
                var migration = _plane.Store.All<MigrationDocument>().Single(m => m.Uuid == server.MigrationUuid);
                Assert.Equal((MigrationStatus.Finished, server.Host), (migration.Status, migration.DestCompute));
                Assert.True(_plane.World.Vms[(migration.SourceCompute, _server)] is { Running: false, Blocked: true });
                Assert.Equal(2, claims.Count);
            }
            else
            {
                // ERROR is only where an operator has put it, or a reboot that failed has.
                Assert.True(server.VmState is VmStates.Active || server is { VmState: VmStates.Error, Fault: not null }, $"{server}");
                Assert.Null(server.MigrationUuid);
                Assert.Single(_plane.World.Vms);
                Assert.Equal([server.Host!], claims);
            }
        }
    }
}
