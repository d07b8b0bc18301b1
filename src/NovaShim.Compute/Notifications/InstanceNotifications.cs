using System.Text.Json;
using NovaShim.Compute.Messaging;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Notifications;

/// <summary>
/// Tells whoever listens what happens to servers: Nova's notifications, cast on <c>nova.notifications.info</c> and, for what failed, <c>.error</c>. Billing and monitoring want to know; nothing in here depends on it.
/// As any message they may be lost, and a step that runs twice is told twice: whoever needs certainty reads the documents.
/// </summary>
internal sealed class InstanceNotifications(IMessageBus bus, TimeProvider time)
{
    /// <summary>The method of the message that carries a notification.</summary>
    public const string Method = "notify";

    /// <summary>Something is about to be done to a server at a host.</summary>
    public Task StartAsync(string? @event, InstanceDocument instance, string host, RequestContext context) => SendAsync(@event, "start", "INFO", instance, host, context, failure: null);

    /// <summary>It is done.</summary>
    public Task EndAsync(string? @event, InstanceDocument instance, string host, RequestContext context) => SendAsync(@event, "end", "INFO", instance, host, context, failure: null);

    /// <summary>It failed, whether or not it will be tried again.</summary>
    public Task ErrorAsync(string? @event, InstanceDocument instance, string host, RequestContext context, string failure) => SendAsync(@event, "error", "ERROR", instance, host, context, failure);

    private Task SendAsync(string? @event, string phase, string priority, InstanceDocument instance, string host, RequestContext context, string? failure)
    {
        if (@event is null)
        {
            return Task.CompletedTask;
        }

        var id = Guid.NewGuid().ToString();
        return bus.CastAsync(
            Subjects.Notifications(priority),
            new Message
            {
                Method = Method,
                Context = context,
                MessageId = id,
                Args = new Dictionary<string, JsonElement>
                {
                    ["message_id"] = Text(id),
                    ["publisher_id"] = Text("compute." + host),
                    ["event_type"] = Text($"{@event}.{phase}"),
                    ["priority"] = Text(priority),
                    ["timestamp"] = JsonSerializer.SerializeToElement(time.GetUtcNow().UtcDateTime, NotificationJson.Default.DateTime),
                    ["payload"] = JsonSerializer.SerializeToElement(InstancePayload.Of(instance) with { Exception = failure }, NotificationJson.Default.InstancePayload),
                },
            },
            CancellationToken.None);
    }

    private static JsonElement Text(string text) => JsonSerializer.SerializeToElement(text, NotificationJson.Default.String);
}
