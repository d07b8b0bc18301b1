namespace NovaShim.XenServer.Tests.Simulated;

/// <summary>Lets a verb die before, and fail after, each of its calls that change something, and has it done again: twice, as it may run twice.</summary>
internal static class Faults
{
    /// <param name="hosts">The faults are the source's.</param>
    /// <param name="messages">The messages that the verb sends and that change something.</param>
    /// <param name="verb">Does it; called anew for each run.</param>
    /// <param name="check">Looks whether it is done, whole and with nothing left over.</param>
    /// <param name="undo">Back to where it began.</param>
    public static async Task EverywhereAsync(TwoHosts hosts, IEnumerable<string> messages, Func<CancellationToken, Task> verb, Func<Task> check, Func<Task> undo)
    {
        foreach (var message in messages)
        {
            await DieBeforeAsync(hosts, message, verb);
            await AgainAsync();

            await hosts.Source.FailAsync(message, after: true, "INTERNAL_ERROR", "injected");
            var failed = await Record.ExceptionAsync(() => verb(CancellationToken.None));
            Assert.False(await hosts.Source.HasFaultsAsync(), $"{message} is not called");
            Assert.True(failed is null || failed.ToString().Contains("injected", StringComparison.Ordinal), $"{message}: {failed}");
            await AgainAsync();
        }

        async Task AgainAsync()
        {
            for (var run = 0; run < 2; run++)
            {
                await verb(CancellationToken.None);
                await check();
            }

            await undo();
        }
    }

    /// <summary>The lease is lost, or the process gone, while a call hangs that will never be carried out: nothing can be tidied up after that.</summary>
    public static async Task DieBeforeAsync(TwoHosts hosts, string message, Func<CancellationToken, Task> verb)
    {
        using var death = new CancellationTokenSource();
        await hosts.Source.FaultAsync(new { kind = "hang", method = message });
        var dying = verb(death.Token);
        await Wait.UntilAsync(async () => dying.IsCompleted || !await hosts.Source.HasFaultsAsync(), $"{message} is called");
        Assert.False(dying.IsCompleted, $"{message} does not hang: {dying.Exception}");
        await death.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dying);
    }
}
