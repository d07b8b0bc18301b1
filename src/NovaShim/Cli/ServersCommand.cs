using System.CommandLine;
using System.Text.Json.Nodes;

namespace NovaShim.Cli;

/// <summary><c>novashim servers</c>: what an operator does to a server that its user cannot.</summary>
internal static class ServersCommand
{
    public static Command Create()
    {
        var data = AdminClient.DataOption();
        var uuid = new Argument<Guid>("UUID") { Description = "The server." };
        var active = new Option<bool>("--active") { Description = "Set it to ACTIVE." };
        var error = new Option<bool>("--error") { Description = "Set it to ERROR; so without either." };
        var reset = new Command("reset-state", "Set a server's state by hand; refused while a migration has the say over it.") { uuid, active, error, data };
        reset.Validators.Add(parsed =>
        {
            if (parsed.GetValue(active) && parsed.GetValue(error))
            {
                parsed.AddError("--active and --error exclude one another.");
            }
        });
        reset.SetAction((parsed, cancellation) =>
        {
            var state = parsed.GetValue(active) ? "active" : "error";
            return AdminClient.DoAsync(
                parsed.GetValue(data)!, HttpMethod.Post, $"/v2.1/servers/{parsed.GetValue(uuid)}/action", new JsonObject { ["os-resetState"] = new JsonObject { ["state"] = state } }, $"It is {state}.", cancellation);
        });
        return new Command("servers", "Servers.") { reset };
    }
}
