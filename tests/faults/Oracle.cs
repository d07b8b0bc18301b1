using System.Diagnostics;
using NovaShim.Plugins.Tests;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>
/// Looks at everything after a migration has come to rest, and throws with what it finds wrong: what the hosts hold (compat/check_hosts.py), what the documents say, what the API says,
/// what the guest has written.
/// </summary>
internal sealed class Oracle(Trial trial)
{
    /// <summary>One running VM on one host, at most a stopped and blocked one on the other; documents and API agree.</summary>
    public async Task CheckAsync(string running, string? stopped, string status)
    {
        await CheckHostsAsync(["--server", trial.Server, "--running", running, .. stopped is null ? Array.Empty<string>() : ["--stopped", stopped]]);
        await CheckDocumentsAsync(running, stopped, status);
    }

    /// <summary>As above for a server that rests on one host alone; then its guest is stopped, its journal read, the server deleted: nothing may be left anywhere.</summary>
    public async Task CheckLastAsync(string running, string status)
    {
        await CheckDocumentsAsync(running, stopped: null, status);
        await CheckHostsAsync("--server", trial.Server, "--running", running, "--shut-down", "--journal");
        await trial.DeleteAsync();
        await CheckHostsAsync("--server", trial.Server);
        await CheckClaimsAsync([]);
    }

    private async Task CheckDocumentsAsync(string running, string? stopped, string status)
    {
        var migration = await trial.MigrationAsync();
        Assert.True(migration is { Actor: null, Leased: false }, $"the migration is not at rest: {migration}");
        Assert.Equal(status, migration.Status);

        var server = await trial.All.Nova.ShowAsync(trial.Server);
        Assert.Equal(running, server["OS-EXT-SRV-ATTR:host"]!.ToString());
        Assert.Null(server["OS-EXT-STS:task_state"]);
        Assert.Null(server["fault"]);
        var instance = (await trial.All.Nova.SendAsync(HttpMethod.Get, $"/odata/v1/Instances?$filter=uuid eq '{trial.Server}'"))["value"]![0]!;
        Assert.Equal(stopped is null ? null : migration.Uuid, instance["migration_uuid"]?.ToString());
        Assert.Equal(running, instance["host"]!.ToString());
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
            TimeSpan.FromSeconds(20));
    }

    private async Task CheckHostsAsync(params string[] what)
    {
        var arguments = new[] { Path.Combine(BuiltTree.RepositoryRoot, "compat", "check_hosts.py") }.Concat(what).Concat(Installation.Hosts.Select(trial.All.ReadyFile));
        using var check = Process.Start(new ProcessStartInfo("/usr/bin/python3", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = check.StandardOutput.ReadToEndAsync();
        var complaint = await check.StandardError.ReadToEndAsync();
        await check.WaitForExitAsync();
        Assert.True(check.ExitCode == 0, await said + complaint);
    }
}
