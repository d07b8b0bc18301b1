using System.Linq.Expressions;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Work;

/// <summary>Where the work item lies in a kind of document, and how the due ones are found.</summary>
internal sealed record WorkKind<T>(Func<T, WorkItem?> Of, Func<T, WorkItem, T> With, Func<string, DateTime, Expression<Func<T, bool>>> Due)
    where T : Document;

/// <summary>The two kinds of documents that carry work.</summary>
internal static class WorkKinds
{
    public static WorkKind<MigrationDocument> Migrations { get; } = new(
        m => m.Saga,
        (m, item) => m with { Saga = (Saga)item },
        (actor, now) => m => m.Saga.Actor == actor && m.Saga.DueAt <= now);

    public static WorkKind<InstanceDocument> Instances { get; } = new(
        i => i.Work,
        (i, item) => i with { Work = (InstanceWork)item },
        (actor, now) => i => i.Work != null && i.Work.Actor == actor && i.Work.DueAt <= now);
}
