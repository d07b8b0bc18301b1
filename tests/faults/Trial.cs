using System.Text.Json.Nodes;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>What the oracle and the moments ask of a migration's document.</summary>
internal sealed record MigrationSeen(string Uuid, string Status, string Step, string? Actor, bool Leased, long BytesDone, string? Fault);

/// <summary>One server in one installation, moved once while something goes wrong.</summary>
internal sealed class Trial
{
    private const string SmallFlavor = "1";
    private const string BigFlavor = "2";

    private Trial(Installation all, string server, string source) => (All, Server, Source, Destination) = (all, server, source, Installation.Hosts.Single(h => h != source));

    public Installation All { get; }

    public string Server { get; }

    public string Source { get; }

    public string Destination { get; }

    public string SourceCompute => Installation.ComputeOf(Source);

    public string DestinationCompute => Installation.ComputeOf(Destination);

    /// <summary>Boots the server; for a confirm or a revert, moves it first.</summary>
    public static async Task<Trial> BeginAsync(Installation all, Moment moment)
    {
        var server = await all.Nova.BootAsync(Installation.Image, SmallFlavor);
        var trial = new Trial(all, server, (await all.Nova.ShowAsync(server))["OS-EXT-SRV-ATTR:host"]!.ToString());
        if (moment.Verb != Moment.Resize)
        {
            await trial.AskAsync(Moment.Resize);
            await trial.RestAsync("VERIFY_RESIZE");
        }

        return trial;
    }

    /// <summary>Lets the fault strike at the moment, mends it, and waits for the end; returns the outcome in words once the oracle agrees with it.</summary>
    public async Task<string> RunAsync(Moment moment, Fault fault)
    {
        await moment.Arm(this);
        await AskAsync(moment.Verb);
        await moment.Reach(this);
        await fault.Strike(this);
        await All.MendAsync();

        var status = moment.Verb == Moment.Resize ? await RestAsync("VERIFY_RESIZE", "ACTIVE") : await RestAsync("ACTIVE");
        var migration = await MigrationAsync();
        var oracle = new Oracle(this);
        if (status == "VERIFY_RESIZE")
        {
            await oracle.CheckAsync(Destination, stopped: Source, "finished");
            await AskAsync(Moment.Confirm);
            await RestAsync("ACTIVE");
            await oracle.CheckLastAsync(Destination, "confirmed");
        }
        else if (moment.Verb == Moment.Resize)
        {
            Assert.False(string.IsNullOrEmpty(migration.Fault), "the migration was taken back and does not say why");
            await oracle.CheckLastAsync(Source, "error");
        }
        else
        {
            await oracle.CheckLastAsync(moment.Verb == Moment.Confirm ? Destination : Source, moment.Verb == Moment.Confirm ? "confirmed" : "reverted");
        }

        return migration.Status == "error" ? $"taken back: {migration.Fault}" : $"{status}, {migration.Status}";
    }

    public XenHost HostOf(bool source) => new(All.FactsOf(source ? Source : Destination));

    public Task UntilStepAsync(string step) => UntilAsync(m => m.Step == step);

    /// <summary>Waits until the migration's document is as wanted.</summary>
    public async Task UntilAsync(Func<MigrationSeen, bool> wanted)
    {
        MigrationSeen? seen = null;
        await Eventually.Async(async () => wanted(seen = await MigrationAsync()), () => $"the moment did not come: {seen}", TimeSpan.FromSeconds(60));
    }

    /// <summary>The server's newest migration.</summary>
    public async Task<MigrationSeen> MigrationAsync()
    {
        var found = (await All.Nova.SendAsync(HttpMethod.Get, $"/odata/v1/Migrations?$filter=instance_uuid eq '{Server}'&$orderby=id desc&$top=1"))["value"]![0]!;
        var saga = found["saga"]!;
        return new MigrationSeen(
            found["uuid"]!.ToString(), found["status"]!.ToString(), saga["step"]!.ToString(), saga["actor"]?.ToString(), saga["lease"] is not null,
            saga["progress"]!["bytes_done"]!.GetValue<long>(), saga["fault"]?.ToString());
    }

    /// <summary>Deletes the server and waits until it is gone.</summary>
    public async Task DeleteAsync()
    {
        await All.Nova.SendAsync(HttpMethod.Delete, $"/v2.1/servers/{Server}");
        await Eventually.Async(
            async () => (await All.Nova.SendAsync(HttpMethod.Get, "/v2.1/servers"))["servers"]!.AsArray().Count == 0, () => "the server is not deleted", TimeSpan.FromMinutes(1));
    }

    private Task AskAsync(string verb) =>
        All.Nova.ActAsync(Server, verb == Moment.Resize ? $$$"""{"resize": {"flavorRef": "{{{BigFlavor}}}"}}""" : $$"""{"{{verb}}": null}""");

    // The API may need a moment to reach what has only just come back.
    private async Task<string> RestAsync(params string[] states)
    {
        var status = "";
        JsonNode? seen = null;
        await Eventually.Async(
            async () =>
            {
                try
                {
                    seen = await All.Nova.ShowAsync(Server);
                    status = seen["status"]!.ToString();
                    var migration = await MigrationAsync();
                    return states.Contains(status) && seen["OS-EXT-STS:task_state"] is null && migration is { Actor: null, Leased: false };
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException or Xunit.Sdk.XunitException)
                {
                    return false;
                }
            },
            () => $"waited for {string.Join(" or ", states)}: {seen}",
            TimeSpan.FromMinutes(2));
        return status;
    }
}
