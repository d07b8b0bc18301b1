using System.Globalization;
using NovaShim.System.Tests;

namespace NovaShim.Faults;

/// <summary>Users who ask for several things at once: exactly one of them is done, the others are refused.</summary>
internal static class UserFaults
{
    private const string Confirm = """{"confirmResize": null}""";
    private const string Revert = """{"revertResize": null}""";
    private const double WindowSeconds = 5;

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("server deleted", DeleteAsync) { AtTheEnd = UntilOverAsync },
        new("everything asked for again", AskAgainAsync),
        new("resized four times at once", ResizeAsync) { At = m => m is { Step: "schedule", Place: "due" }, AtTheEnd = OneMigrationAsync },
        new("confirmed and reverted at once", t => AtOnceAsync(t, Confirm, Revert)) { At = m => m.IsAtRest },
        new("confirmed four times at once", t => AtOnceAsync(t, Confirm, Confirm, Confirm, Confirm)) { At = m => m.IsAtRest },
        new("reverted four times at once", t => AtOnceAsync(t, Revert, Revert, Revert, Revert)) { At = m => m.IsAtRest },
        .. new[] { -100, 200, 400, 600, 1200 }.Select(WindowEnds),
    ];

    private static async Task<string> DeleteAsync(Trial trial)
    {
        Assert.Equal(204, await trial.All.Nova.TryAsync(HttpMethod.Delete, $"/v2.1/servers/{trial.Server}"));
        return "204";
    }

    private static async Task<string> UntilOverAsync(Trial trial)
    {
        await trial.UntilAsync(m => m is { Actor: null, Leased: false });
        return (await trial.MigrationAsync()).Status;
    }

    // Whoever has asked for one thing cannot have another before it is done.
    private static async Task<string> AskAgainAsync(Trial trial)
    {
        foreach (var action in new[] { """{"resize": {"flavorRef": "3"}}""", """{"migrate": null}""", Confirm, Revert, """{"reboot": {"type": "HARD"}}""" })
        {
            var status = await trial.TryAsync(action);
            Assert.True(status == 409, $"{action} is answered with {status}");
        }

        return "409 five times";
    }

    // The first of them has been accepted to come to this moment.
    private static async Task<string> ResizeAsync(Trial trial)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => trial.TryAsync("""{"resize": {"flavorRef": "3"}}""")));
        Assert.Equal([409, 409, 409], answers);
        return "202, " + string.Join(", ", answers);
    }

    private static async Task<string> OneMigrationAsync(Trial trial)
    {
        var migrations = (await trial.All.Nova.SendAsync(HttpMethod.Get, $"/odata/v1/Migrations?$filter=instance_uuid eq '{trial.Server}'"))["value"]!.AsArray();
        Assert.Single(migrations);
        return "one migration";
    }

    private static async Task<string> AtOnceAsync(Trial trial, params string[] actions)
    {
        await trial.EndAsync(Outcome.Verify);
        var answers = await Task.WhenAll(actions.Select(trial.TryAsync));
        Assert.Single(answers, a => a is 202 or 204);
        Assert.All(answers, a => Assert.True(a is 202 or 204 or 409, $"{a}"));
        await AssertDoneAsync(trial, confirmed: actions[Array.FindIndex(answers, a => a != 409)] == Confirm);
        return string.Join(", ", answers);
    }

    // So many milliseconds from where it falls due; it is looked for every half second.
    private static Fault WindowEnds(int offset) => new(
        string.Create(CultureInfo.InvariantCulture, $"reverted as the confirm window ends {offset:+0;-0;0} ms"),
        async t =>
        {
            var due = DateTime.Parse(await DueAsync(t), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal).AddMilliseconds(offset);
            var left = due - DateTime.UtcNow;
            Assert.True(left > TimeSpan.Zero, $"the window has ended {-left} ago");
            await Task.Delay(left);
            var answer = await t.TryAsync(Revert);
            Assert.True(answer is 202 or 409, $"{answer}");
            await AssertDoneAsync(t, confirmed: answer == 409);
            return answer == 202 ? "the user was faster" : "the window was faster";
        })
    {
        At = m => m.IsAtRest,
        Arm = t => SetWindowAsync(t, WindowSeconds),
        AtTheEnd = async t =>
        {
            await SetWindowAsync(t, 0);
            return "";
        },
    };

    private static async Task SetWindowAsync(Trial trial, double seconds)
    {
        trial.All.ConfirmWindow = seconds;
        await trial.All.KillAsync(trial.DestinationCompute);
        await trial.All.StartPartAsync(trial.DestinationCompute);
        await trial.All.UntilBeatsAsync(trial.Destination);
    }

    private static async Task<string> DueAsync(Trial trial) =>
        (await trial.All.Nova.SendAsync(HttpMethod.Get, $"/odata/v1/Migrations?$filter=instance_uuid eq '{trial.Server}'"))["value"]![0]!["saga"]!["due_at"]!.ToString();

    private static Task AssertDoneAsync(Trial trial, bool confirmed) => trial.EndAsync(confirmed ? Outcome.Confirmed : Outcome.Reverted);
}
