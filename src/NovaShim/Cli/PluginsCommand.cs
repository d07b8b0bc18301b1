using System.CommandLine;

namespace NovaShim.Cli;

/// <summary><c>novashim plugins</c>: what the running processes have loaded and refused.</summary>
internal static class PluginsCommand
{
    public static Command Create()
    {
        var data = AdminClient.DataOption();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var list = new Command("list", "Every plugin folder, its driver, and why it was refused if it was.") { data, json };
        list.SetAction((parsed, cancellation) => AdminClient.AskAsync(
            parsed.GetValue(data)!, "/odata/v1/Plugins?$orderby=name,process",
            rows => Tables.Print(
                rows, parsed.GetValue(json),
                ("Name", r => r.Field("name")), ("State", r => r.Field("state")), ("Driver", r => r.Field("driver")), ("Version", r => r.Field("version")),
                ("Sdk", r => r.Field("sdk_version")), ("Process", r => r.Field("process")), ("Message", r => r.Field("message"))),
            cancellation));
        return new Command("plugins", "Virt plugins.") { list };
    }
}
