using NovaShim.Faults.Wire;

namespace NovaShim.Faults;

/// <summary>What happens to messages and answers on their way; bus, store and program are the real ones and know nothing of it.</summary>
internal static class WireFaults
{
    private static readonly string[] Collections = ["migrations", "instances", "compute_nodes"];

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("messages lost, repeated, late and out of order", _ => Task.FromResult("from the request to the end"))
        {
            Arm = t =>
            {
                t.All.BusRelay.Disturb(t.Server.GetHashCode(StringComparison.Ordinal));
                return Task.CompletedTask;
            },
            AtTheEnd = t =>
            {
                var (lost, repeated, late) = t.All.BusRelay.Calm();
                Assert.True(lost > 0 && repeated > 0 && late > 0, $"{lost} messages were lost, {repeated} repeated, {late} late");
                return Task.FromResult($"{lost} lost, {repeated} twice, {late} late");
            },
        },
        new("answer to the next write of the migration lost", t =>
        {
            t.All.StoreRelay.Lose(message => StoreRelay.Replaces(message, "migrations"), every: 1, atMost: 1);
            return Task.FromResult("applied");
        })
        {
            AtTheEnd = LostAnswersAsync,
        },
        new("answers to every third write lost", t => Task.FromResult("from the request to the end, all applied"))
        {
            Arm = t =>
            {
                t.All.StoreRelay.Lose(message => Collections.Any(c => StoreRelay.Replaces(message, c)), every: 3, atMost: int.MaxValue);
                return Task.CompletedTask;
            },
            AtTheEnd = LostAnswersAsync,
        },
    ];

    private static Task<string> LostAnswersAsync(Trial trial)
    {
        var lost = trial.All.StoreRelay.LostCount;
        Assert.True(lost > 0, "no answer was lost");
        return Task.FromResult($"{lost} answers lost");
    }
}
