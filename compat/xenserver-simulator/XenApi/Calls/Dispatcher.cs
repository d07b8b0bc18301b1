using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Faults;
using NovaShim.XenServerSimulator.XenApi.Model;
using NovaShim.XenServerSimulator.XenApi.Repositories;
using NovaShim.XenServerSimulator.XenApi.Sessions;
using NovaShim.XenServerSimulator.XenApi.Tasks;

namespace NovaShim.XenServerSimulator.XenApi.Calls;

/// <summary>
/// Takes a call from any transport to its handler: the message must exist, the arguments must count and fit, the session must be known,
/// in this order; <c>Async.</c> calls get a task instead of the result.
/// </summary>
internal sealed partial class Dispatcher(
    MessageTable messages, SessionBook sessions, TaskBook tasks, FaultBook faults, ILogger log, CancellationToken hostDown)
{
    private const string AsyncPrefix = "Async.";

    public IEnumerable<string> MethodNames => messages.Names;

    /// <exception cref="ApiFailure">Whatever the API answers with a failure.</exception>
    public async Task<object?> DispatchAsync(string method, IReadOnlyList<object?> parameters, CancellationToken clientGone)
    {
        bool isAsync = method.StartsWith(AsyncPrefix, StringComparison.Ordinal);
        Message message = messages.Find(isAsync ? method[AsyncPrefix.Length..] : method) ?? throw new ApiFailure("MESSAGE_METHOD_UNKNOWN", method);
        if (isAsync && !message.HasAsync)
        {
            throw new ApiFailure("Fault", $"{message.Name} cannot be called asynchronously");
        }

        int sessionParameters = message.NeedsSession ? 1 : 0;
        int received = parameters.Count - sessionParameters;
        if (received < message.Required || received > message.Parameters.Count)
        {
            throw new ApiFailure(
                "MESSAGE_PARAMETER_COUNT_MISMATCH", method, Values.Text((long)message.Required), Values.Text((long)Math.Max(received, 0)));
        }

        string session = message.NeedsSession ? (string)new XenType(XenKind.Ref, "session").Accept(parameters[0], "session_id") : "";
        object[] arguments =
        [
            .. message.Parameters.Select((parameter, index) => index < received
                ? parameter.Type.Accept(parameters[index + sessionParameters], parameter.Name)
                : parameter.Default!),
        ];
        if (message.NeedsSession)
        {
            sessions.Check(session);
            if (IsDeed(message.Name))
            {
                LogDeed(message.Name, session);
            }
        }

        Call call = new(message, session, arguments, null, hostDown) { ClientGone = clientGone };
        return isAsync
            ? tasks.Start(method, session, (progress, cancellation) => RunAsync(call with { Progress = progress, Cancellation = cancellation, ClientGone = CancellationToken.None }))
            : await RunAsync(call);
    }

    private async Task<object?> RunAsync(Call call)
    {
        try
        {
            Fault? fault = await faults.TakeAsync(call);
            fault?.ThrowBefore(call);
            object? result = await call.Message.Run(call);
            fault?.ThrowAfter(call);
            return result;
        }
        catch (StorageException error)
        {
            LogStorageRefusal(call.Message.Name, error);
            throw StorageFailures.Translate(error);
        }
        catch (Exception error) when (error is not ApiFailure and not OperationCanceledException)
        {
            // The API's edge: whatever goes wrong inside is INTERNAL_ERROR outside.
            LogInternalError(call.Message.Name, error);
            throw ApiFailure.Internal($"{error.GetType().Name}: {error.Message}");
        }
    }

    /// <summary>Whether a message may change a VM, a disk or the host, as opposed to reading, or minding sessions and tasks.</summary>
    private static bool IsDeed(string message) =>
        message.Split('.') is [not ("session" or "task" or "event"), var verb] && !verb.StartsWith("get_", StringComparison.Ordinal) && !verb.StartsWith("compute_", StringComparison.Ordinal);

    [LoggerMessage(LogLevel.Information, "Deed: {Message} by {Session}")]
    private partial void LogDeed(string message, string session);

    [LoggerMessage(LogLevel.Warning, "{Message}: storage refused")]
    private partial void LogStorageRefusal(string message, Exception error);

    [LoggerMessage(LogLevel.Error, "{Message} failed inside the simulator")]
    private partial void LogInternalError(string message, Exception error);
}
