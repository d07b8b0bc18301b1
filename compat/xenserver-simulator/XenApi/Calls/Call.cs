using NovaShim.XenServerSimulator.XenApi.Model;

namespace NovaShim.XenServerSimulator.XenApi.Calls;

/// <summary>One call of a message, its arguments checked against the data model and completed with their defaults.</summary>
/// <param name="Message">What is called, e.g. <c>VM.start</c>, without <c>Async.</c></param>
/// <param name="Session">The caller's session; "" for messages that need none.</param>
/// <param name="Arguments">Without the session.</param>
/// <param name="Progress">Where an asynchronous call's task learns how far it is, 0 … 1.</param>
/// <param name="Cancellation">Fires when the task is cancelled or the host goes down; not when the client hangs up.</param>
internal sealed record Call(
    Message Message, string Session, IReadOnlyList<object> Arguments, IProgress<double>? Progress, CancellationToken Cancellation)
{
    /// <summary>Fires when nobody is left to read the answer; for messages that only wait.</summary>
    public CancellationToken ClientGone { get; init; }

    public string Text(int index) => (string)Arguments[index];

    public long Int(int index) => (long)Arguments[index];

    public double Float(int index) => (double)Arguments[index];

    public bool Flag(int index) => (bool)Arguments[index];

    public ValueMap Map(int index) => (ValueMap)Arguments[index];

    public ValueSet Set(int index) => (ValueSet)Arguments[index];
}

/// <summary>What answers a message: the result, or null for void.</summary>
internal delegate Task<object?> MessageHandler(Call call);

/// <summary>A message that can be called.</summary>
/// <param name="Name">Class and message, e.g. <c>VM.start</c>.</param>
internal sealed record Message(string Name, IReadOnlyList<ParameterModel> Parameters, bool NeedsSession, bool HasAsync, MessageHandler Run)
{
    /// <summary>How many arguments a caller has to give; the rest have defaults.</summary>
    public int Required => Parameters.Count(parameter => parameter.Default is null);
}

/// <summary>Handlers that are done at once.</summary>
internal static class Handler
{
    public static MessageHandler Of(Func<Call, object?> answer) => call => Task.FromResult(answer(call));

    public static MessageHandler Of(Action<Call> work) => call =>
    {
        work(call);
        return Task.FromResult<object?>(null);
    };
}
