using System.Text.Json.Serialization;

namespace NovaShim.XenServerSimulator.XenApi.Faults;

/// <summary>What <c>POST /simulator/faults</c> takes: one kind and what it needs.</summary>
/// <param name="Kind">
/// <c>fail</c> (method, error, after, times, seconds), <c>hang</c> (method, times), <c>refuse</c> (seconds), <c>expire-sessions</c>,
/// <c>session-lifetime</c> (seconds), <c>conflict-wait</c> (seconds), <c>withhold-memory</c> (bytes), <c>restart-sshd</c> (seconds), <c>strange-host-key</c>, <c>clear</c>.
/// </param>
/// <param name="Method">The message a fault hits, e.g. <c>VM.clean_shutdown</c>.</param>
/// <param name="Error">Code and parameters; <c>$self</c> = the call's first argument.</param>
/// <param name="After">Whether the work is done before the failure.</param>
/// <param name="Times">How many calls are hit; 1 unless told.</param>
/// <param name="Seconds">A time in seconds.</param>
/// <param name="Bytes">Memory in bytes.</param>
internal sealed record FaultRequest(
    string Kind, string? Method = null, IReadOnlyList<string>? Error = null, bool After = false, int? Times = null, double? Seconds = null, long? Bytes = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FaultRequest))]
[JsonSerializable(typeof(IReadOnlyList<Fault>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class FaultJson : JsonSerializerContext;
