using System.CommandLine;
using System.Text.Json.Nodes;

namespace NovaShim.Cli;

/// <summary><c>novashim hosts</c>: which there are, which take new work, and the emptying of one.</summary>
internal static class HostsCommand
{
    public static Command Create()
    {
        var data = AdminClient.DataOption();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var list = new Command("list", "Every host: whether it is up, whether it takes new work, and how many servers it has.") { data, json };
        list.SetAction((parsed, cancellation) => AdminClient.RunAsync(parsed.GetValue(data)!, client => ListAsync(client, parsed.GetValue(json), cancellation), cancellation));

        var host = new Argument<string>("HOST") { Description = "The host's name." };
        var reason = new Option<string?>("--reason") { Description = "Why; shown with the host.", HelpName = "TEXT" };
        var enable = new Command("enable", "Let a host have new servers and migrations.") { host, data };
        enable.SetAction((parsed, cancellation) => AdminClient.DoAsync(
            parsed.GetValue(data)!, HttpMethod.Put, "/v2.1/os-services/enable", Service(parsed.GetValue(host)!, reason: null), $"{parsed.GetValue(host)} takes new work.", cancellation));
        var disable = new Command("disable", "Keep new servers and migrations from a host; what it has goes on.") { host, reason, data };
        disable.SetAction((parsed, cancellation) => AdminClient.DoAsync(
            parsed.GetValue(data)!, HttpMethod.Put, Disable(parsed.GetValue(reason)), Service(parsed.GetValue(host)!, parsed.GetValue(reason)), $"{parsed.GetValue(host)} takes no new work.", cancellation));

        var parallel = new Option<int>("--parallel") { Description = "How many servers may be on their way at once.", DefaultValueFactory = _ => 2, HelpName = "N" };
        parallel.Validators.Add(parsed =>
        {
            if (parsed.GetValueOrDefault<int>() < 1)
            {
                parsed.AddError("--parallel takes a number from 1 on.");
            }
        });
        var drain = new Command(
            "drain",
            "Disable a host, migrate every server off it and confirm each that has arrived. Says how far it is; ends with status 0 when the host is empty, or with 1 and a list when nothing that is left can be moved. May be "
            + "interrupted and run again.") { host, parallel, reason, data };
        drain.SetAction((parsed, cancellation) => AdminClient.RunAsync(
            parsed.GetValue(data)!,
            async client =>
            {
                var (name, why) = (parsed.GetValue(host)!, parsed.GetValue(reason) ?? "being drained");
                await client.SendAsync(HttpMethod.Put, Disable(why), Service(name, why), cancellation);
                return await new HostDrain(client, name, parsed.GetValue(parallel), TimeProvider.System).RunAsync(cancellation);
            },
            cancellation));
        return new Command("hosts", "Hosts.") { list, enable, disable, drain };
    }

    private static async Task<int> ListAsync(AdminClient client, bool json, CancellationToken cancellation)
    {
        var services = (await client.SendAsync(HttpMethod.Get, "/v2.1/os-services?binary=nova-compute", body: null, cancellation))?["services"] as JsonArray ?? [];
        foreach (var service in services.OfType<JsonObject>())
        {
            var count = await client.SendAsync(
                HttpMethod.Get, $"/odata/v1/Instances?$count=true&$top=1&$filter=deleted eq false and host eq {ODataText.Quoted(service.Field("host"))}", body: null, cancellation);
            service["servers"] = count?["@odata.count"]?.DeepClone();
        }

        Tables.Print(
            services, json,
            ("Host", r => r.Field("host")), ("State", r => r.Field("state")), ("New work", r => r.Field("status")), ("Reason", r => r.Field("disabled_reason")), ("Servers", r => r.Field("servers")),
            ("Last heard of", r => r.Field("updated_at")));
        return 0;
    }

    // The reason has a route of its own.
    private static string Disable(string? reason) => reason is null ? "/v2.1/os-services/disable" : "/v2.1/os-services/disable-log-reason";

    private static JsonObject Service(string host, string? reason)
    {
        var service = new JsonObject { ["host"] = host, ["binary"] = "nova-compute" };
        if (reason is not null)
        {
            service["disabled_reason"] = reason;
        }

        return service;
    }
}
