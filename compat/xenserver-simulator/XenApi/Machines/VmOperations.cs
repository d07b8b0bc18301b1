using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>
/// Decides whether a VM may do what is asked of it, in XenServer's order: blocked_operations, power state, conflicting operation, template,
/// snapshot, control domain. A conflicting call waits first, as xapi holds it back and tries again.
/// </summary>
internal sealed class VmOperations(Database database, TimeProvider time)
{
    private const string Halted = "Halted", Paused = "Paused", Suspended = "Suspended", Running = "Running";

    /// <summary>The power states an operation needs, in the order in which an error names them. What is not here is allowed in any.</summary>
    private static readonly Dictionary<string, string[]> Needs = new(StringComparer.Ordinal)
    {
        ["start"] = [Halted],
        ["start_on"] = [Halted],
        ["clone"] = [Halted],
        ["copy"] = [Halted],
        ["provision"] = [Halted],
        ["make_into_template"] = [Halted],
        ["changing_VCPUs"] = [Halted],
        ["changing_memory_limits"] = [Halted],
        ["changing_static_range"] = [Halted],
        ["changing_dynamic_range"] = [Halted, Running],
        ["clean_shutdown"] = [Running],
        ["clean_reboot"] = [Running],
        ["suspend"] = [Running],
        ["pause"] = [Running],
        ["hard_reboot"] = [Paused, Running],
        ["hard_shutdown"] = [Paused, Suspended, Running],
        ["shutdown"] = [Paused, Suspended, Running],
        ["unpause"] = [Paused],
        ["resume"] = [Suspended],
        ["resume_on"] = [Suspended],
        ["destroy"] = [Halted, Suspended],
    };

    private static readonly HashSet<string> OfTemplate =
    [
        "changing_dynamic_range", "changing_static_range", "changing_memory_limits", "changing_shadow_memory", "changing_VCPUs",
        "clone", "copy", "export", "metadata_export", "provision", "destroy",
    ];

    private static readonly HashSet<string> OfSnapshot = ["revert", "clone", "copy", "export", "metadata_export", "destroy", "hard_shutdown"];

    private static readonly string[][] Together = [["clone", "copy", "export"], ["snapshot", "checkpoint"]];

    private static readonly string[] Ending = ["clean_shutdown", "hard_shutdown", "shutdown", "clean_reboot", "hard_reboot"];

    private long _lastOperation;

    /// <summary>How long a call waits for a conflicting one; 120 s is what XenServer gives a start.</summary>
    public TimeSpan ConflictWait { get; set; } = TimeSpan.FromSeconds(120);

    /// <summary>Enters the operation into <c>current_operations</c> until the result is disposed.</summary>
    public async Task<IDisposable> BeginAsync(string vm, string operation, CancellationToken cancellation)
    {
        DateTimeOffset deadline = time.GetUtcNow() + ConflictWait;
        string key = $"OpaqueRef:{Interlocked.Increment(ref _lastOperation):D12}";
        while (true)
        {
            long seen = database.Generation;
            ApiFailure? conflict = database.Change(tx =>
            {
                Record record = tx.Get("VM", vm);
                ApiFailure? refusal = Refusal(record, operation);
                if (refusal is null)
                {
                    tx.Set(vm, "current_operations", record.Map("current_operations").With(key, operation));
                }
                else if (refusal.Code != "OTHER_OPERATION_IN_PROGRESS")
                {
                    throw refusal;
                }

                return refusal;
            });
            if (conflict is null)
            {
                return new Entry(database, vm, key);
            }

            TimeSpan left = deadline - time.GetUtcNow();
            if (left <= TimeSpan.Zero)
            {
                throw conflict;
            }

            await database.ChangedAfter(seen).WaitAsync(left, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    public static void Assert(Record vm, string operation)
    {
        if (Refusal(vm, operation) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>What <c>VM.allowed_operations</c> holds.</summary>
    public static IEnumerable<string> Allowed(Record vm) => Needs.Keys
        .Concat(["snapshot", "checkpoint", "export", "changing_shadow_memory", "revert"])
        .Where(operation => (operation == "revert") == (operation == "revert" && vm.Flag("is_a_snapshot")) && Refusal(vm, operation) is null);

    /// <summary>Why the VM may not; null when it may.</summary>
    private static ApiFailure? Refusal(Record vm, string operation)
    {
        if (vm.Map("blocked_operations").TryGetValue(operation, out object? code))
        {
            return new ApiFailure("OPERATION_BLOCKED", vm.Ref, (string)code);
        }

        string state = vm.Text("power_state");
        if (Needs.TryGetValue(operation, out string[]? needed))
        {
            if (operation == "clone" && vm.Flag("is_a_snapshot"))
            {
                needed = [Halted, Suspended];
            }

            if (!needed.Contains(state))
            {
                return new ApiFailure("VM_BAD_POWER_STATE", vm.Ref, string.Join(", ", needed).ToLowerInvariant(), state.ToLowerInvariant());
            }
        }

        foreach ((string reference, object current) in vm.Map("current_operations"))
        {
            if (!MayJoin(operation, (string)current))
            {
                return new ApiFailure("OTHER_OPERATION_IN_PROGRESS", "VM", vm.Ref, (string)current, reference);
            }
        }

        if (vm.Flag("is_a_snapshot"))
        {
            return OfSnapshot.Contains(operation) ? null : new ApiFailure("VM_IS_SNAPSHOT", vm.Ref, operation);
        }

        if (vm.Flag("is_a_template"))
        {
            return OfTemplate.Contains(operation) && !(operation == "destroy" && vm.Flag("is_default_template"))
                ? null
                : new ApiFailure("VM_IS_TEMPLATE", vm.Ref, operation);
        }

        return vm.Flag("is_control_domain") && !operation.StartsWith("changing_", StringComparison.Ordinal)
            ? ApiFailure.NotAllowed($"{operation} is not allowed on a control domain")
            : null;
    }

    private static bool MayJoin(string operation, string current) => operation switch
    {
        "hard_shutdown" => current != "hard_shutdown",
        "hard_reboot" => !Ending.Contains(current),
        "clean_shutdown" or "clean_reboot" or "metadata_export" when current == "migrate_send" => true,
        _ => Together.Any(group => group.Contains(operation) && group.Contains(current)),
    };

    private sealed class Entry(Database database, string vm, string key) : IDisposable
    {
        public void Dispose() => database.Change(tx =>
        {
            if (tx.Find(vm) is { } record)
            {
                tx.Set(vm, "current_operations", record.Map("current_operations").Without(key));
            }
        });
    }
}
