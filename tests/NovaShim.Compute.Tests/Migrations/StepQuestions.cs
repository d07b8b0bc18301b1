using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;
using NovaShim.Compute.Work;
using NovaShim.Sdk;

namespace NovaShim.Compute.Tests.Migrations;

/// <summary>Something a user asks for, and where it ends.</summary>
/// <param name="Ask">Asks for it; what it throws is not caught.</param>
/// <param name="Status">The migration's status in the end.</param>
internal sealed record Request(Func<HandDriven, InstanceDocument, Task> Ask, string Status)
{
    public static Request Resize { get; } = new((p, i) => p.Api.ResizeAsync(i, TestCloud.Big, TestCloud.NewContext(), default), MigrationStatus.Finished);

    public static Request Confirm { get; } = new((p, i) => p.Api.ConfirmResizeAsync(i, TestCloud.NewContext(), default), MigrationStatus.Confirmed);

    public static Request Revert { get; } = new((p, i) => p.Api.RevertResizeAsync(i, TestCloud.NewContext(), default), MigrationStatus.Reverted);

    /// <summary>A resize that cannot end well, to a flavor of that size.</summary>
    public static Request InVain(int memoryMb = 1024) => new((p, i) => p.Api.ResizeAsync(i, TestCloud.Big with { MemoryMb = memoryMb }, TestCloud.NewContext(), default), MigrationStatus.Error);
}

/// <summary>
/// Asks of every step of the migration whether it succeeds when it runs twice, whether a failure at it unwinds clean, and whether each undo survives running twice: each process in turn dies after each of its
/// writes and is started again, and in the end there is one clean slate or the other.
/// </summary>
internal static class StepQuestions
{
    private static readonly TimeSpan LongerThanALease = TimeSpan.FromSeconds(20);

    /// <summary>Lets each process die at each of its writes while the last request is carried out. Returns the steps that were begun and not ended by one who died: each of them has run again.</summary>
    public static async Task<IReadOnlySet<string>> DieAtEveryWriteAsync(ComputeOptions options, Action<World> prepare, params IReadOnlyList<Request> requests)
    {
        var again = new HashSet<string>();
        foreach (var actor in new[] { Actors.Scheduler, "one", "two" })
        {
            for (var writes = 1; await DieAsync(options, prepare, requests, actor, writes, again); writes++)
            {
                Assert.True(writes < 200, $"{actor} never ends writing");
            }
        }

        return again;
    }

    /// <summary>Nothing goes wrong but what was prepared.</summary>
    public static async Task RunAsync(ComputeOptions options, Action<World> prepare, params IReadOnlyList<Request> requests) =>
        Assert.False(await DieAsync(options, prepare, requests, Actors.Scheduler, int.MaxValue, []));

    // False: the process has not so much to write.
    private static async Task<bool> DieAsync(ComputeOptions options, Action<World> prepare, IReadOnlyList<Request> requests, string actor, int writes, HashSet<string> again)
    {
        using var plane = new HandDriven(options);
        var server = await plane.BootedAsync();
        foreach (var request in requests.SkipLast(1))
        {
            await request.Ask(plane, await plane.ServerAsync(server.Uuid));
            await EndAsync(plane, server.Uuid, request.Status);
        }

        prepare(plane.World);
        await requests[^1].Ask(plane, await plane.ServerAsync(server.Uuid));
        plane.ViewOf(actor).DiesAfterWrites = writes;
        for (var round = 0; round < 40 && plane.IsAlive(actor) && !await IsOverAsync(plane, server.Uuid, requests[^1].Status); round++)
        {
            await plane.SettleAsync();
            await PassAsync(plane);
        }

        var died = !plane.IsAlive(actor);
        if (died && await plane.MigrationAsync(server.Uuid) is { Saga: { BegunAt: not null, Actor: not null } saga })
        {
            again.Add(saga.Step);
        }

        plane.Start(actor);
        plane.ViewOf(actor).DiesAfterWrites = null;
        await EndAsync(plane, server.Uuid, requests[^1].Status);
        await AssertCleanAsync(plane, server.Uuid, requests[^1].Status);
        return died;
    }

    private static async Task EndAsync(HandDriven plane, string uuid, string status)
    {
        for (var round = 0; round < 40 && !await IsOverAsync(plane, uuid, status); round++)
        {
            await plane.SettleAsync();
            await PassAsync(plane);
        }

        Assert.True(await IsOverAsync(plane, uuid, status), $"{status} is expected: {await plane.MigrationAsync(uuid)}");
    }

    private static async Task<bool> IsOverAsync(HandDriven plane, string uuid, string status) =>
        await plane.MigrationAsync(uuid) is { Saga.Actor: null } m && m.Status == status && await plane.ServerAsync(uuid) is { TaskState: null };

    private static async Task PassAsync(HandDriven plane)
    {
        try
        {
            await plane.PassAsync(LongerThanALease);
        }
        catch (ProcessDiedException)
        {
            // As it wrote its heartbeat, or looked after silent hosts.
        }
    }

    /// <summary>The one place that says what a clean slate is.</summary>
    private static async Task AssertCleanAsync(HandDriven plane, string uuid, string status)
    {
        var (home, other) = status is MigrationStatus.Finished or MigrationStatus.Confirmed ? ("two", "one") : ("one", "two");
        var waits = status == MigrationStatus.Finished;
        var server = await plane.ServerAsync(uuid);
        Assert.Equal((home, waits ? VmStates.Resized : VmStates.Active), (server.Host, server.VmState));
        Assert.Equal(home == "two" ? TestCloud.Big : TestCloud.Small, server.Flavor);
        Assert.Equal(waits, server.MigrationUuid is not null);
        Assert.Null(server.Fault);
        Assert.True(plane.World.Vms[(home, uuid)] is { Running: true, Blocked: false });
        Assert.Equal(waits, plane.World.Vms.TryGetValue((other, uuid), out var left));
        Assert.True(left is null or { Running: false, Blocked: true });
        Assert.Empty(plane.World.Preparations);
        Assert.Empty(plane.World.Violations);

        // A claim that nobody stands behind is dropped by its host's next look.
        await plane.BeatAsync();
        foreach (var host in plane.Hosts)
        {
            var node = await plane.Outside.Collection<ComputeNodeDocument>().GetAsync(host, default);
            Assert.Equal(host == home || waits ? [uuid] : [], node!.Claims.Keys);
        }
    }
}
