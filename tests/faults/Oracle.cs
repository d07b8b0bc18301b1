using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using NovaShim.Plugins.Tests;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>
/// Looks at everything after a migration has come to rest, and throws with what it finds wrong: what the hosts hold (compat/check_hosts.py), what the documents say, what the API says,
/// what the guest has written.
/// </summary>
/// <param name="trial">What was tried.</param>
/// <param name="patience">How long what comes in its own time, such as a collection of garbage, may take.</param>
internal sealed class Oracle(Trial trial, TimeSpan? patience = null)
{
    private readonly TimeSpan _patience = patience ?? TimeSpan.FromMinutes(3);

    /// <summary>The newest record that the guest had written when it was stopped at the source: what it goes on from anywhere else must have it.</summary>
    public long Written { get; set; }

    /// <summary>Judges an end; a server to be verified is judged as it stands, confirmed, and judged again. In the end the server is deleted, and nothing may be left of it anywhere.</summary>
    public async Task JudgeAsync(Outcome end)
    {
        if (end == Outcome.Verify)
        {
            await CheckAsync(trial.Destination, stopped: trial.Source, "finished");
            await trial.AskAsync(Moment.Confirm);
            end = await trial.EndAsync(Outcome.Confirmed);
        }

        if (end != Outcome.Deleted)
        {
            var home = end == Outcome.Confirmed ? trial.Destination : trial.Source;
            await CheckLastAsync(home, end switch { Outcome.Confirmed => "confirmed", Outcome.Reverted => "reverted", _ => "error" });
            await trial.DeleteAsync();
        }

        await CheckNothingIsLeftAsync();
    }

    /// <summary>One running VM on one host, at most a stopped and blocked one on the other; documents and API agree.</summary>
    public async Task CheckAsync(string running, string? stopped, string status)
    {
        await CheckDocumentsAsync(running, stopped, status);
        if (stopped is null)
        {
            await CheckHostsAsync("--server", trial.Server, "--running", running);
            return;
        }

        var said = await CheckHostsAsync("--server", trial.Server, "--running", running, "--stopped", stopped, "--journal");
        Written = JsonNode.Parse(said[said.LastIndexOf('{')..])!["last"]!.GetValue<long>();
        Assert.True(Written > 0, $"the guest has written nothing: {said}");
    }

    /// <summary>As above for a server that rests on one host alone; then its guest is stopped, and its journal read.</summary>
    public async Task CheckLastAsync(string running, string status)
    {
        await CheckDocumentsAsync(running, stopped: null, status);
        await CheckHostsAsync("--server", trial.Server, "--running", running, "--shut-down", "--journal", "--at-least", Written.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>No host has anything of the server, nor of any other.</summary>
    public async Task CheckNothingIsLeftAsync()
    {
        await CheckHostsAsync("--server", trial.Server);
        await CheckClaimsAsync([]);
    }

    private async Task CheckDocumentsAsync(string running, string? stopped, string status)
    {
        var migration = await trial.MigrationAsync();
        Assert.True(migration is { Actor: null, Leased: false }, $"the migration is not at rest: {migration}");
        Assert.True(status == migration.Status, $"the migration is {migration.Status}, expected {status}");
        Assert.False(status == "error" && string.IsNullOrEmpty(migration.Fault), "the migration was taken back and does not say why");

        var server = await trial.All.Nova.ShowAsync(trial.Server);
        Assert.True(running == server["OS-EXT-SRV-ATTR:host"]!.ToString(), $"the API has the server on {server["OS-EXT-SRV-ATTR:host"]}, expected {running}");
        Assert.True(server["status"]!.ToString() == (stopped is null ? "ACTIVE" : "VERIFY_RESIZE"), $"the API calls the server {server["status"]}");
        Assert.True(server["OS-EXT-STS:task_state"] is null, $"the server has a task: {server["OS-EXT-STS:task_state"]}");
        Assert.True(server["fault"] is null, $"the server has a fault: {server["fault"]}");
        var instance = (await trial.All.Nova.SendAsync(HttpMethod.Get, $"/odata/v1/Instances?$filter=uuid eq '{trial.Server}'"))["value"]![0]!;
        Assert.True((stopped is null ? null : migration.Uuid) == instance["migration_uuid"]?.ToString(), $"the server's migration is {instance["migration_uuid"]}");
        Assert.True(running == instance["host"]!.ToString(), $"the server's document has it on {instance["host"]}, expected {running}");
        await CheckClaimsAsync(stopped is null ? [running] : [running, stopped]);
    }

    // An orphaned claim is dropped by its host's next look, not at once.
    private async Task CheckClaimsAsync(IReadOnlyCollection<string> holders)
    {
        var seen = "";
        await Eventually.Async(
            async () =>
            {
                var nodes = (await trial.All.Nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors/detail"))["hypervisors"]!.AsArray();
                var claims = nodes.Where(n => n!["memory_mb_used"]!.GetValue<int>() > 0).Select(n => n!["service"]!["host"]!.ToString()).Order().ToList();
                seen = string.Join(", ", claims);
                return claims.SequenceEqual(holders.Order());
            },
            () => $"memory is claimed on [{seen}], expected on [{string.Join(", ", holders)}]",
            _patience);
    }

    private async Task<string> CheckHostsAsync(params string[] what)
    {
        var seconds = _patience.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        var arguments = new[] { Path.Combine(BuiltTree.RepositoryRoot, "compat", "check_hosts.py"), "--patience", seconds }.Concat(what).Concat(Installation.Hosts.Select(trial.All.ReadyFile));
        using var check = Process.Start(new ProcessStartInfo("/usr/bin/python3", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = check.StandardOutput.ReadToEndAsync();
        var complaint = await check.StandardError.ReadToEndAsync();
        await check.WaitForExitAsync();
        Assert.True(check.ExitCode == 0, $"the hosts are not as they should be: {complaint}{await said}");
        return await said;
    }
}
