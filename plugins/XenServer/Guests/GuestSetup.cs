using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;
using NovaShim.XenServer.Dom0;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Guests;

/// <summary>
/// Gives a guest that has been started for the first time what its user wants to find in it, through its agent: key, files, password, network. As with Nova, a guest without an agent, or one that refuses something, runs
/// without it, and the log says what is missing. What has been done stands in the step's note: a run after a crash does the rest.
/// </summary>
internal sealed partial class GuestSetup(XenServerHost host, ServerVms vms, InstanceStepContext step)
{
    private const string KeyFile = "/root/.ssh/authorized_keys";
    private const int Tries = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly ILogger _log = host.Logs.CreateLogger<GuestSetup>();

    /// <summary>Does so, where the agent is used, for a VM that runs.</summary>
    public async Task RunAsync(string reference, CancellationToken cancellation)
    {
        var vm = new Found(reference, await VM.get_record(host.Session, reference, cancellation));
        if (!await new AgentUse(host).KeepAsync(vm, step.Image, cancellation) || vm.Record.power_state != PowerStates.Running)
        {
            return;
        }

        var note = step.Checkpoint(GuestSetupJson.Default.GuestSetupNote) is { } saved && saved.Vm == vm.Record.uuid ? saved : new GuestSetupNote { Vm = vm.Record.uuid };
        var agent = new GuestAgent(host, reference);
        if (note.Over || !await TryAsync("anything", () => MeetAsync(agent, cancellation), cancellation))
        {
            await SaveAsync(note with { Over = true }, cancellation);
            return;
        }

        foreach (var (what, work) in Wanted(vm, agent, cancellation).Skip(note.Done).ToList())
        {
            cancellation.ThrowIfCancellationRequested();
            await TryAsync(what, work, cancellation);
            note = note with { Done = note.Done + 1 };
            await SaveAsync(note, cancellation);
        }
    }

    private async Task MeetAsync(GuestAgent agent, CancellationToken cancellation)
    {
        var version = await agent.WaitAsync(cancellation);
        LogAnswers(step.Instance.Name, host.Name, version);
    }

    // In the same order every time: the note counts them.
    private IEnumerable<(string What, Func<Task> Work)> Wanted(Found vm, GuestAgent agent, CancellationToken cancellation)
    {
        if (step.Instance.KeyData is { Length: > 0 } key)
        {
            yield return ("its key", () => agent.PutFileAsync(KeyFile, Encoding.UTF8.GetBytes($"\n# The key of the server's user, put here when it was built\n{key.Trim()}\n"), cancellation));
        }

        foreach (var file in step.InjectedFiles)
        {
            yield return ($"the file {JsonSerializer.Serialize(file.Path, GuestSetupJson.Default.String)}", () => agent.PutFileAsync(file.Path, file.Contents, cancellation));
        }

        if (step.AdminPassword is { Length: > 0 } password)
        {
            yield return ("its password", () => agent.SetPasswordAsync(password, cancellation));
        }

        yield return ("its network", async () =>
        {
            await new ServerNetworkInfo(host, vms, step.Instance).WriteAsync(cancellation);
            if (await agent.ResetNetworkAsync(cancellation) is { Length: > 0 } said)
            {
                LogNetwork(step.Instance.Name, host.Name, said);
            }
        });
    }

    private async Task<bool> TryAsync(string what, Func<Task> work, CancellationToken cancellation)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await work();
                return true;
            }
            catch (Dom0Exception) when (tries < Tries)
            {
                await Task.Delay(Pause, host.Time, cancellation);
            }
            catch (Exception e) when (e is AgentException or Dom0Exception)
            {
                LogWithout(step.Instance.Name, host.Name, what, e.Message);
                return false;
            }
        }
    }

    private Task SaveAsync(GuestSetupNote note, CancellationToken cancellation) => step.SaveCheckpointAsync(note, GuestSetupJson.Default.GuestSetupNote, cancellation);

    [LoggerMessage(Level = LogLevel.Information, Message = "The agent in {Server} on {Host} answers: version {Version}")]
    private partial void LogAnswers(string server, string host, string version);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Server} on {Host} runs, but its agent could not be given {What}: {Reason}")]
    private partial void LogWithout(string server, string host, string what, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The agent in {Server} on {Host} was told to set up its network, and says: {Said}")]
    private partial void LogNetwork(string server, string host, string said);
}

/// <summary>How far a guest has been set up. Holds nothing of what it was given.</summary>
internal sealed record GuestSetupNote
{
    /// <summary>The VM's uuid.</summary>
    public string Vm { get; init; } = "";

    /// <summary>How much of what is wanted has been tried.</summary>
    public int Done { get; init; }

    /// <summary>The agent has not answered in its time: it is not waited for again.</summary>
    public bool Over { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(GuestSetupNote))]
internal sealed partial class GuestSetupJson : JsonSerializerContext;
