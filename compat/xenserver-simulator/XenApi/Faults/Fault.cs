using NovaShim.XenServerSimulator.XenApi.Calls;

namespace NovaShim.XenServerSimulator.XenApi.Faults;

/// <summary>What a test has asked to go wrong with a message.</summary>
/// <param name="Id">Names the fault to who lists or lifts it.</param>
/// <param name="Method">The message, e.g. <c>VM.start</c>; synchronous and asynchronous calls alike.</param>
/// <param name="Error">Code and parameters of the failure; <c>$self</c> stands for the call's first argument. Null: the call never ends.</param>
/// <param name="After">Whether the call first does its work and fails then, as when an answer is lost.</param>
/// <param name="Remaining">How many calls it still hits.</param>
/// <param name="Delay">How long a call waits before it fails.</param>
internal sealed record Fault(int Id, string Method, IReadOnlyList<string>? Error, bool After, int Remaining, TimeSpan Delay)
{
    public void ThrowBefore(Call call)
    {
        if (!After)
        {
            Throw(call);
        }
    }

    public void ThrowAfter(Call call)
    {
        if (After)
        {
            Throw(call);
        }
    }

    private void Throw(Call call)
    {
        if (Error is not null)
        {
            string self = call.Arguments is [string first, ..] ? first : "";
            throw new ApiFailure(Error[0], [.. Error.Skip(1).Select(p => p == "$self" ? self : p)]);
        }
    }
}
