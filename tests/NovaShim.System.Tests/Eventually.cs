using System.Diagnostics;

namespace NovaShim.System.Tests;

/// <summary>Waits for what comes in its own time: asks often at first, and less often as it takes longer, since every question costs those who are waited for.</summary>
internal static class Eventually
{
    /// <summary>Polls until the condition holds; fails with what was seen when the deadline has passed.</summary>
    public static Task Async(Func<bool> condition, Func<string> seen, TimeSpan? deadline = null) => Async(() => Task.FromResult(condition()), seen, deadline);

    /// <inheritdoc cref="Async(Func{bool}, Func{string}, TimeSpan?)"/>
    public static async Task Async(Func<Task<bool>> condition, Func<string> seen, TimeSpan? deadline = null)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed < (deadline ?? TimeSpan.FromMinutes(3)), seen());
            await Task.Delay((int)Math.Clamp(clock.ElapsedMilliseconds / 10, 20, 250));
        }
    }
}
