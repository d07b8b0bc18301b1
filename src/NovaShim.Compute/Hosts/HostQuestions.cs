using System.Text.Json;
using System.Text.Json.Serialization;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Hosts;

/// <summary>
/// What only a server's host knows and somebody wants to hear now: its console and its figures, for the user; and, for a migration's destination, how the VM stands at the source. The one place where a message is answered. Nothing is stored, so nothing is to be repeated: who gets no answer asks again.
/// </summary>
public sealed class HostQuestions(IMessageBus bus, IDocumentStore store)
{
    /// <summary>The message that asks for a console.</summary>
    internal const string GetConsoleOutput = "get_console_output";

    /// <summary>The message that asks for figures.</summary>
    internal const string GetDiagnostics = "get_diagnostics";

    /// <summary>The message that asks how a server's VM stands on a host.</summary>
    internal const string GetPowerState = "get_power_state";

    private const string InstanceUuid = "instance_uuid";
    private const string Lines = "tail_length";
    private const string Output = "output";
    private const string Figures = "figures";
    private const string State = "power_state";
    private const string Unsupported = "unsupported";
    private const string Failure = "failure";

    /// <summary>The most characters of a console that are handed on: a message has bounds.</summary>
    private const int LongestConsole = 1 << 17;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);

    // A guest is down as long as this is waited for.
    private static readonly TimeSpan _patienceInDowntime = TimeSpan.FromSeconds(3);

    /// <summary>The last lines of a server's console; null: all that is kept.</summary>
    /// <exception cref="VerbNotSupportedException">The driver has no consoles.</exception>
    /// <exception cref="HostQuestionException">The host does not answer, or cannot.</exception>
    public async Task<string> ConsoleOutputAsync(InstanceDocument instance, int? lines, RequestContext context, CancellationToken cancellation)
    {
        var answer = await AskAsync(GetConsoleOutput, HostOf(instance), instance.Uuid, _patience, lines is { } n ? new() { [Lines] = JsonSerializer.SerializeToElement(n, QuestionJson.Default.Int32) } : [], context, cancellation);
        return answer[Output].GetString()!;
    }

    /// <summary>A server's figures by the hypervisor's names.</summary>
    /// <exception cref="VerbNotSupportedException">The driver has none.</exception>
    /// <exception cref="HostQuestionException">The host does not answer, or cannot.</exception>
    public async Task<IReadOnlyDictionary<string, double>> DiagnosticsAsync(InstanceDocument instance, RequestContext context, CancellationToken cancellation) =>
        (await AskAsync(GetDiagnostics, HostOf(instance), instance.Uuid, _patience, [], context, cancellation))[Figures].Deserialize(QuestionJson.Default.IReadOnlyDictionaryStringDouble)!;

    /// <summary>How a server's VM stands on a host, whether it is the server's own or not; null: it has none there, or the host does not say so in time.</summary>
    internal async Task<PowerState?> PowerStateAsync(string host, string instanceUuid, RequestContext context, CancellationToken cancellation)
    {
        try
        {
            var answer = await AskAsync(GetPowerState, host, instanceUuid, _patienceInDowntime, [], context, cancellation);
            return answer.TryGetValue(State, out var state) && state.TryGetInt32(out var number) ? (PowerState)number : null;
        }
        catch (HostQuestionException)
        {
            return null;
        }
    }

    /// <summary>Answers for a host until the result is disposed.</summary>
    internal Task<IAsyncDisposable> AnswerAsync(string host, ComputeManager manager, CancellationToken cancellation) => bus.SubscribeAsync(
        Subjects.Compute(host), queueGroup: null,
        async (message, token) => message.Method is GetConsoleOutput or GetDiagnostics or GetPowerState ? message with { Args = await AnswerAsync(message, manager, token) } : null,
        cancellation);

    private async Task<IReadOnlyDictionary<string, JsonElement>> AskAsync(
        string method, string host, string instanceUuid, TimeSpan patience, Dictionary<string, JsonElement> args, RequestContext context, CancellationToken cancellation)
    {
        args[InstanceUuid] = Text(instanceUuid);
        try
        {
            var answer = await bus.CallAsync(
                Subjects.Compute(host), new Message { Method = method, Args = args, Context = context, MessageId = Guid.NewGuid().ToString("N") }, patience, cancellation);
            return answer.Args.TryGetValue(Unsupported, out var verb) ? throw new VerbNotSupportedException(verb.GetString()!)
                : answer.Args.TryGetValue(Failure, out var failure) ? throw new HostQuestionException(failure.GetString()!)
                : answer.Args;
        }
        catch (TimeoutException e)
        {
            throw new HostQuestionException($"Host of instance {instanceUuid} does not answer.", e) { IsAway = true };
        }
    }

    private async Task<Dictionary<string, JsonElement>> AnswerAsync(Message message, ComputeManager manager, CancellationToken cancellation)
    {
        try
        {
            var uuid = message.Args.TryGetValue(InstanceUuid, out var named) ? named.GetString() : null;
            var instance = uuid is null ? null : await store.Collection<InstanceDocument>().GetAsync(uuid, cancellation);
            if (instance is null)
            {
                return new() { [Failure] = Text($"Instance {uuid} could not be found.") };
            }

            if (message.Method == GetPowerState)
            {
                return await manager.GetInfoAsync(InstanceRecord.Of(instance), cancellation) is { } info ? new() { [State] = JsonSerializer.SerializeToElement((int)info.PowerState, QuestionJson.Default.Int32) } : [];
            }

            return message.Method == GetConsoleOutput
                ? new() { [Output] = Text(Tail(await manager.GetConsoleOutputAsync(InstanceRecord.Of(instance), cancellation), message.Args.TryGetValue(Lines, out var lines) ? lines.GetInt32() : null)) }
                : new() { [Figures] = JsonSerializer.SerializeToElement(await manager.GetDiagnosticsAsync(InstanceRecord.Of(instance), cancellation), QuestionJson.Default.IReadOnlyDictionaryStringDouble) };
        }
        catch (VerbNotSupportedException e)
        {
            return new() { [Unsupported] = Text(e.Verb) };
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            return new() { [Failure] = Text(e is StepFailedException ? e.Message : $"{message.Method} failed: {e.Message}") };
        }
    }

    private static string HostOf(InstanceDocument instance) => instance.Host ?? throw new HostQuestionException($"Instance {instance.Uuid} is not ready");

    // Nova's way: what comes after the last line break counts as a line, also when it is empty.
    private static string Tail(string console, int? lines)
    {
        var kept = console.Length > LongestConsole ? console[^LongestConsole..] : console;
        return lines is { } n ? string.Join('\n', kept.Split('\n').TakeLast(n)) : kept;
    }

    private static JsonElement Text(string text) => JsonSerializer.SerializeToElement(text, QuestionJson.Default.String);
}

/// <summary>A host does not answer, or cannot.</summary>
/// <param name="message">For the user.</param>
/// <param name="inner">What happened.</param>
public sealed class HostQuestionException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the host is not to be reached, and may be later.</summary>
    public bool IsAway { get; init; }
}

/// <summary>How answers are written.</summary>
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, double>))]
internal sealed partial class QuestionJson : JsonSerializerContext;
