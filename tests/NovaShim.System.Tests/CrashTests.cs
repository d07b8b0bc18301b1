using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace NovaShim.System.Tests;

/// <summary>The one process is killed at ten random moments of migrations, and started again each time.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_migration_finishes_wherever_the_process_was_killed()
    {
        var seed = Environment.GetEnvironmentVariable("NOVASHIM_TEST_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        output.WriteLine($"NOVASHIM_TEST_SEED={seed}");
        var random = new Random(seed);
        await using var hosts = await TwoXenServers.StartAsync();
        var shim = await hosts.StartShimAsync();
        try
        {
            using var nova = new NovaClient { Url = shim.Ready["api_url"]!.ToString() };
            await Eventually.Async(async () => (await nova.SendAsync(HttpMethod.Get, "/v2.1/os-hypervisors"))["hypervisors"]!.AsArray().Count == 2, () => shim.Output);
            var server = await nova.BootAsync(TwoXenServers.Image, "1");

            // How long an undisturbed one takes bounds the moments to choose from.
            var clock = Stopwatch.StartNew();
            await nova.ActAsync(server, """{"migrate": null}""");
            await nova.UntilAsync(server, "VERIFY_RESIZE");
            var undisturbed = clock.Elapsed;
            await nova.ActAsync(server, """{"revertResize": null}""");
            await nova.UntilAsync(server, "ACTIVE");

            for (var kill = 1; kill <= 10; kill++)
            {
                var source = (await nova.ShowAsync(server))["OS-EXT-SRV-ATTR:host"]!.ToString();
                var destination = source == "xen1" ? "xen2" : "xen1";
                await nova.ActAsync(server, """{"migrate": null}""");
                var moment = undisturbed * random.NextDouble();
                await Task.Delay(moment);
                await shim.KillAsync();
                output.WriteLine($"kill {kill}: {moment.TotalSeconds:0.00} s of {undisturbed.TotalSeconds:0.00} s, {source} to {destination}");
                shim = await hosts.StartShimAsync();
                nova.Url = shim.Ready["api_url"]!.ToString();

                await nova.UntilAsync(server, "VERIFY_RESIZE");
                await hosts.CheckAsync(server, destination, "--stopped", source);
                var confirm = random.Next(2) == 0;
                await nova.ActAsync(server, confirm ? """{"confirmResize": null}""" : """{"revertResize": null}""");
                await nova.UntilAsync(server, "ACTIVE");
                await hosts.CheckAsync(server, confirm ? destination : source);
            }

            var home = (await nova.ShowAsync(server))["OS-EXT-SRV-ATTR:host"]!.ToString();
            await hosts.CheckAsync(server, home, "--shut-down", "--journal");
        }
        catch
        {
            output.WriteLine(shim.Output);
            throw;
        }
        finally
        {
            await shim.DisposeAsync();
        }
    }
}
