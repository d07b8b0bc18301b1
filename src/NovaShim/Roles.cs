namespace NovaShim;

/// <summary>What a process can be.</summary>
internal static class Roles
{
    public const string Api = "api";
    public const string Scheduler = "scheduler";
    public const string Compute = "compute";

    public static readonly string[] All = [Api, Scheduler, Compute];
}
