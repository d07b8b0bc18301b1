using System.CommandLine;

namespace NovaShim.Cli;

/// <summary><c>novashim serve</c>: runs the roles asked for until it is told to end.</summary>
internal static partial class ServeCommand
{
    public static Command Create()
    {
        var config = new Option<FileInfo?>("--config") { Description = "A JSON file with the settings; without it, the defaults.", HelpName = "FILE" };
        var roles = new Option<string[]>("--role") { Description = "Run only these roles (api, scheduler, compute); without it, all of them.", HelpName = "ROLE" };
        roles.AcceptOnlyFromAmong(Roles.All);
        var set = new Option<string[]>("--set") { Description = "A setting, before the file and the environment (NOVASHIM_…): api:urls=http://127.0.0.1:8774", HelpName = "KEY=VALUE" };
        var ready = new Option<FileInfo?>("--ready") { Description = "Write this file, JSON with api_url, identity_url, roles and pid, once the program can be used.", HelpName = "FILE" };
        var command = new Command("serve", "Run the control plane: all roles in one process, with a bus and a store of its own, unless told otherwise.") { config, roles, set, ready };
        command.SetAction((parsed, cancellation) => RunAsync(
            () => Settings.Read(parsed.GetValue(config), parsed.GetValue(set) ?? []), parsed.GetValue(roles) ?? [], parsed.GetValue(ready), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Func<IConfigurationRoot> settings, string[] roles, FileInfo? ready, CancellationToken cancellation)
    {
        IHost program;
        try
        {
            program = Composition.Build(settings(), roles.Length == 0 ? Roles.All : roles);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException || CannotUseFiles(e))
        {
            await Console.Error.WriteLineAsync($"novashim: {e.Message}");
            return 2;
        }

        using (program)
        {
            try
            {
                await program.StartAsync(cancellation);
                Announcement.Make(program, ready, roles.Length == 0 ? Roles.All : roles);
            }
            catch (Exception e) when (e is InvalidOperationException or FormatException or Compute.Documents.DocumentStoreException || CannotUseFiles(e))
            {
                await Console.Error.WriteLineAsync($"novashim: {e.Message}");

                // The store opens before anything else starts: without it there is nothing to stop.
                if (e is not Compute.Documents.DocumentStoreException)
                {
                    await StopWhatStartedAsync(program);
                }

                return 1;
            }

            await program.WaitForShutdownAsync(cancellation);
            ready?.Delete();
            return 0;
        }
    }

    // In order, before its parts are let go. What had not come to start may not know how to stop; the reason of it all has been told.
    private static async Task StopWhatStartedAsync(IHost program)
    {
        try
        {
            await program.StopAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is AggregateException or InvalidOperationException or Compute.Documents.DocumentStoreException)
        {
            program.Services.GetRequiredService<ILoggerFactory>().CreateLogger("NovaShim").LogStopFailed(e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Not everything could be stopped: {Reason}")]
    private static partial void LogStopFailed(this ILogger log, string reason);

    private static bool CannotUseFiles(Exception e) => e is IOException or InvalidDataException or UnauthorizedAccessException;
}
