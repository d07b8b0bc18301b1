using System.CommandLine;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Identity;

namespace NovaShim.Cli;

/// <summary>Finds the users and tenants a command is about: with <c>--config</c> those in the store of that configuration, or at the program that has this store open; else at the running program.</summary>
internal sealed class UserBooks
{
    public Option<FileInfo?> Config { get; } = new("--config") { Description = "Act on the store of this configuration, whether or not a program runs.", HelpName = "FILE" };

    public Option<string[]> Set { get; } = new("--set") { Description = "A setting before those of the file; see serve.", HelpName = "KEY=VALUE" };

    public Option<string> Data { get; } = AdminClient.DataOption();

    /// <summary>Adds the options that say where.</summary>
    public Command WithPlace(Command command)
    {
        command.Add(Config);
        command.Add(Set);
        command.Add(Data);
        return command;
    }

    /// <summary>Does one thing. What can go wrong is said in one line.</summary>
    /// <returns>The exit status: 0, or 1 with the reason on standard error.</returns>
    public async Task<int> DoAsync(ParseResult parsed, Func<IUserBook, Task> act, CancellationToken cancellation)
    {
        var assignments = parsed.GetValue(Set) ?? [];
        if (parsed.GetValue(Config) is null && assignments.Length == 0)
        {
            return await AtProgramAsync(parsed.GetValue(Data)!, act, cancellation);
        }

        try
        {
            var settings = Settings.Read(parsed.GetValue(Config), assignments);
            var data = Path.GetFullPath(settings["data"] ?? Composition.DefaultData);
            if ((settings["identity:mode"] ?? "builtin") != "builtin")
            {
                throw new InvalidOperationException("The users of this configuration are not NovaShim's own: its identity:mode is another than builtin.");
            }

            try
            {
                await using var parts = Composition.BuildUserDirectory(settings, data);
                await parts.GetRequiredService<IDocumentStore>().InitializeAsync(cancellation);
                await act(new StoredUserBook(parts.GetRequiredService<UserDirectory>()));
                return 0;
            }
            catch (DocumentStoreException) when (settings["store:mongodb"] is null && AdminCredentials.Read(data) is { IdentityUrl: not null })
            {
                // The store belongs to a program that runs: it does it.
                return await AtProgramAsync(data, act, cancellation);
            }
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or DocumentStoreException or IOException or InvalidDataException or UnauthorizedAccessException or NameTakenException
            or ConfiguredException)
        {
            await Console.Error.WriteLineAsync($"novashim: {e.Message}");
            return 1;
        }
    }

    private static Task<int> AtProgramAsync(string data, Func<IUserBook, Task> act, CancellationToken cancellation) => AdminClient.RunAsync(
        data,
        async client =>
        {
            await act(new RunningUserBook(client));
            return 0;
        },
        cancellation);
}
