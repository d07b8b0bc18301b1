using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Messaging;

/// <summary>Listens for hints. Whatever a known message says, the answer is to look at the documents; an unknown one is counted, logged with its id and dropped.</summary>
internal sealed partial class HintListener(IMessageBus bus, ILogger<HintListener> log)
{
    private static readonly Meter Meter = new("NovaShim.Messaging");
    private static readonly Counter<long> Unknown = Meter.CreateCounter<long>("novashim_messages_unknown", description: "Messages dropped because their method is not known.");

    private static readonly FrozenSet<string> Methods = FrozenSet.Create(
        StringComparer.Ordinal,
        [
            .. ServerAction.All.Select(a => a.Step), HostQuestions.GetConsoleOutput, HostQuestions.GetDiagnostics, HostQuestions.GetPowerState,
            InstanceSteps.RunInstance, InstanceSteps.TerminateInstance, InstanceSteps.RebootInstance,
            ResizeMigration.Schedule, ResizeMigration.PrepSource, ResizeMigration.PrepResize, ResizeMigration.ResizeInstance, ResizeMigration.FinishResize, ResizeMigration.AwaitVerification,
            ResizeMigration.PrepConfirm, ResizeMigration.ConfirmResize, ResizeMigration.RevertResize, ResizeMigration.FinishRevertResize,
        ]);

    /// <summary>Calls <paramref name="wake"/> for each hint on a subject until the result is disposed.</summary>
    public Task<IAsyncDisposable> ListenAsync(string subject, string? queueGroup, Action wake, CancellationToken cancellation) =>
        bus.SubscribeAsync(
            subject, queueGroup,
            (message, _) =>
            {
                if (Methods.Contains(message.Method))
                {
                    wake();
                }
                else
                {
                    Unknown.Add(1);
                    LogUnknown(message.MessageId, subject, message.Method);
                }

                return Task.FromResult<Message?>(null);
            },
            cancellation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Message {MessageId} on {Subject} asks for the unknown method '{Method}'; dropped.")]
    private partial void LogUnknown(string messageId, string subject, string method);
}
