using NovaShim.Compute.Migrations;

namespace NovaShim.Compute.Tests.Migrations;

/// <summary>The three questions, asked of every step: a step that is added and of which they are not asked fails here.</summary>
public sealed class StepQuestionsTests
{
    private static readonly ComputeOptions Options = new() { MaxAttempts = 2, RetrySeconds = 1, RetrySecondsMax = 2 };

    private static readonly Action<World> Nothing = _ => { };

    // What the driver is asked to do in a step that can fail for good.
    private static readonly IReadOnlyDictionary<string, string?> Verbs = new Dictionary<string, string?>
    {
        [ResizeMigration.Schedule] = null,
        [ResizeMigration.PrepSource] = "prepare_source",
        [ResizeMigration.PrepResize] = "prepare_destination",
        [ResizeMigration.ResizeInstance] = "migrate_disk",
        [ResizeMigration.FinishResize] = "finish",
    };

    private static IEnumerable<MigrationStep> Steps => new ResizeMigration(null!, null!).Steps.Values;

    public static TheoryData<string> StepsWithAWayBack => [.. Steps.Where(s => s.Unwind is not null).Select(s => s.Name)];

    [Fact]
    public async Task Every_step_succeeds_when_it_runs_twice()
    {
        var again = new HashSet<string>();
        again.UnionWith(await StepQuestions.DieAtEveryWriteAsync(Options, Nothing, Request.Resize));
        again.UnionWith(await StepQuestions.DieAtEveryWriteAsync(Options, Nothing, Request.Resize, Request.Confirm));
        again.UnionWith(await StepQuestions.DieAtEveryWriteAsync(Options, Nothing, Request.Resize, Request.Revert));

        // Nobody asks for it: it falls due.
        var unattended = Options with { ResizeConfirmWindow = 30 };
        again.UnionWith(await StepQuestions.DieAtEveryWriteAsync(unattended, Nothing, Request.Resize with { Status = MigrationStatus.Confirmed }));
        again.UnionWith(await StepQuestions.DieAtEveryWriteAsync(Options, world => world.Fail("finish", int.MaxValue), Request.InVain()));
        Assert.Equal(Steps.Select(s => s.Name).Order(), again.Order());
    }

    [Theory]
    [MemberData(nameof(StepsWithAWayBack))]
    public async Task A_failure_at_a_step_unwinds_clean(string step) => await StepQuestions.RunAsync(Options, Failing(step), InVain(step));

    [Theory]
    [MemberData(nameof(StepsWithAWayBack))]
    public async Task Each_undo_of_a_step_survives_running_twice(string step) => await StepQuestions.DieAtEveryWriteAsync(Options, Failing(step), InVain(step));

    private static Action<World> Failing(string step) => Verbs[step] is { } verb ? world => world.Fail(verb, int.MaxValue) : Nothing;

    // No driver takes part in the choice of a host: no host is big enough.
    private static Request InVain(string step) => Verbs[step] is null ? Request.InVain(1_000_000) : Request.InVain();
}
