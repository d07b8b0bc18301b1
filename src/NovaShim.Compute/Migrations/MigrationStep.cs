using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Compute.Migrations;

/// <summary>Who takes a step.</summary>
internal enum StepActor
{
    /// <summary>Any scheduler.</summary>
    Scheduler,

    /// <summary>The host the server is on when the migration begins.</summary>
    Source,

    /// <summary>The host it goes to.</summary>
    Destination,

    /// <summary>Whoever took the step before: the step only writes down what has been reached.</summary>
    Same,
}

/// <summary>One step of the migration: a line of the table in <see cref="ResizeMigration"/>.</summary>
internal sealed record MigrationStep
{
    /// <summary>The step's name: the message's method where a message asks for it.</summary>
    public required string Name { get; init; }

    /// <summary>Who takes it.</summary>
    public required StepActor Actor { get; init; }

    /// <summary>The migration's status from here on; null: as it is.</summary>
    public string? Status { get; init; }

    /// <summary>How the server stands while the step is the present one; null: as it is.</summary>
    public Func<MigrationDocument, InstanceDocument, InstanceDocument>? Server { get; init; }

    /// <summary>What is done; null for a step that only writes down what has been reached. Returns the change to the migration.</summary>
    public Func<MigrationWork, CancellationToken, Task<Func<MigrationDocument, MigrationDocument>>>? Do { get; init; }

    /// <summary>The step that follows; null: the next of those still to be unwound, or none, and the migration rests.</summary>
    public string? Next { get; init; }

    /// <summary>What undoes this step and all before it, in order, when it fails for good; null: it must succeed, and is tried for as long as that takes.</summary>
    public IReadOnlyList<string>? Unwind { get; init; }

    /// <summary>The step to rest at when this one, of which nothing needs to be undone, fails for good or its host is silent; null: there is none.</summary>
    public string? Otherwise { get; init; }
}

/// <summary>What a step works with: the compute manager of the host that takes it, and the context for its handler.</summary>
/// <param name="Migration">The migration as it stood when the step began.</param>
/// <param name="Context">The context for the handler; null for the scheduler's steps.</param>
/// <param name="Manager">The host's manager; null for the scheduler's steps.</param>
/// <param name="Host">The host's name; null for the scheduler's steps.</param>
internal sealed record MigrationWork(MigrationDocument Migration, MigrationStepContext? Context, ComputeManager? Manager, string? Host);
