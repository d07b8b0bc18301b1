using NovaShim.Compute.Migrations;
using NovaShim.Compute.Servers;

namespace NovaShim.Compute.Notifications;

/// <summary>What Nova calls the things that happen to servers: the event types of its notifications, without <c>.start</c>, <c>.end</c> or <c>.error</c>.</summary>
internal static class InstanceEvents
{
    /// <summary>The event of a step outside migrations at a host; null for steps that Nova is silent about.</summary>
    public static string? Of(string step) => step switch
    {
        InstanceSteps.RunInstance => "compute.instance.create",
        InstanceSteps.TerminateInstance => "compute.instance.delete",
        InstanceSteps.RebootInstance => "compute.instance.reboot",
        _ => ServerAction.Of(step)?.Event is { } name ? "compute.instance." + name : null,
    };

    /// <summary>The event of a step of a migration; null for steps that Nova is silent about. Its revert has one pair of notifications, around the return of the source.</summary>
    public static string? Of(MigrationDocument m, string step) => step switch
    {
        ResizeMigration.PrepResize => "compute.instance.resize.prep",
        ResizeMigration.ResizeInstance => "compute.instance.resize",
        ResizeMigration.FinishResize => "compute.instance.finish_resize",
        ResizeMigration.ConfirmResize => "compute.instance.resize.confirm",
        // The same step also unwinds a migration that failed, of which the error has told already.
        ResizeMigration.FinishRevertResize when m.Status == MigrationStatus.Reverting => "compute.instance.resize.revert",
        _ => null,
    };
}
