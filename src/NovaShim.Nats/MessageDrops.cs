using System.Diagnostics.Metrics;

namespace NovaShim.Nats;

/// <summary>Counts the messages that were dropped because their body does not parse (metric <c>novashim_messages_unparsable</c>).</summary>
internal static class MessageDrops
{
    public const string MeterName = "NovaShim.Messaging";
    public const string CounterName = "novashim_messages_unparsable";

    private static readonly Meter Meter = new(MeterName);
    private static readonly Counter<long> Unparsable = Meter.CreateCounter<long>(CounterName, description: "Messages dropped because their body does not parse.");

    public static void Count() => Unparsable.Add(1);
}
