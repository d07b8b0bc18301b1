using System.Globalization;
using Microsoft.Extensions.Configuration;
using NovaShim.Sdk;

namespace NovaShim.Fake;

/// <summary>
/// The settings of a host with driver <c>fake</c>. They are read anew for each verb, so that a test may change them while the host runs.
/// <code>
/// memory_mb, vcpus, local_gb   what the host has                                                        65536, 16, 1000
/// world                        hosts that name the same world can send servers to one another            default
/// state_file                   keeps the world in this file, for all processes that name it; a path      none: in memory, gone with the process
/// copy_bytes_per_second        how fast disks are copied in a migration; 0 = at once                     0
/// delta_bytes                  what the guest has written during the copy, sent once it is stopped       1048576
/// delay_seconds:VERB           how long a verb takes before it does anything                             0
/// fail:VERB:times              how often a verb fails; -1 = always                                       0
/// fail:VERB:when               before or after it has done its work                                      before
/// fail:VERB:recovery           retry, unwind, copy_again or reschedule                                   retry
/// fail:VERB:message            what it says                                                              names the verb and the host
/// </code>
/// The verbs: init_host, get_host_stats, get_info, spawn, destroy, reboot, prepare_migration_source, prepare_migration_destination, migrate_disk_and_power_off, finish_migration, check_migration, confirm_migration,
/// revert_migration, finish_revert_migration, power_off, power_on, pause, unpause, suspend, resume, rescue, unrescue, snapshot, set_admin_password, inject_file, inject_network_info, reset_network,
/// get_console_output, get_diagnostics. A rebuild is destroy and spawn.
/// </summary>
internal sealed class FakeSettings(IConfiguration settings)
{
    public int MemoryMb => (int)Number("memory_mb", 65536, 1, int.MaxValue);

    public int Vcpus => (int)Number("vcpus", 16, 1, int.MaxValue);

    public int LocalGb => (int)Number("local_gb", 1000, 1, int.MaxValue);

    public string World => settings["world"] is { Length: > 0 } name ? name : "default";

    public string? StateFile => settings["state_file"] is { Length: > 0 } path ? Path.GetFullPath(path) : null;

    public long CopyBytesPerSecond => (long)Number("copy_bytes_per_second", 0, 0, long.MaxValue);

    public long DeltaBytes => (long)Number("delta_bytes", 1 << 20, 0, 1L << 50);

    public TimeSpan Delay(string verb) => TimeSpan.FromSeconds(Number($"delay_seconds:{verb}", 0, 0, 86400));

    /// <summary>How a verb is to fail; null when it is not to.</summary>
    public FakeFailure? Failure(string verb)
    {
        var times = (int)Number($"fail:{verb}:times", 0, -1, int.MaxValue);
        if (times == 0)
        {
            return null;
        }

        var when = Word($"fail:{verb}:when", "before", "after");
        var recovery = Word($"fail:{verb}:recovery", "retry", "unwind", "copy_again", "reschedule") switch
        {
            "unwind" => StepRecovery.Unwind,
            "copy_again" => StepRecovery.CopyAgain,
            "reschedule" => StepRecovery.Reschedule,
            _ => StepRecovery.Retry,
        };
        return new FakeFailure(times, when == "after", recovery, settings[$"fail:{verb}:message"]);
    }

    /// <summary>Reads everything once, so that a mistake is told when the host starts and not when a server is at stake.</summary>
    public void Check(IEnumerable<string> verbs)
    {
        _ = (MemoryMb, Vcpus, LocalGb, CopyBytesPerSecond, DeltaBytes, StateFile);
        foreach (var verb in verbs)
        {
            _ = (Delay(verb), Failure(verb));
        }
    }

    private double Number(string name, double otherwise, double least, double most)
    {
        if (settings[name] is not { Length: > 0 } text)
        {
            return otherwise;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new StepFailedException(string.Create(CultureInfo.InvariantCulture, $"Setting {name} is \"{text}\"; it must be a number from {least} to {most}."));
    }

    /// <summary>One of some words, of which the first is the default.</summary>
    private string Word(string name, params string[] words) =>
        settings[name] is not { Length: > 0 } text ? words[0]
        : words.Contains(text) ? text
        : throw new StepFailedException($"Setting {name} is \"{text}\"; it must be one of {string.Join(", ", words)}.");
}

/// <summary>How a verb is to fail.</summary>
/// <param name="Times">How often; -1 = always.</param>
/// <param name="AfterWork">Whether it does its work first.</param>
/// <param name="Recovery">What is to be done about it.</param>
/// <param name="Message">What it says; null: its own words.</param>
internal sealed record FakeFailure(int Times, bool AfterWork, StepRecovery Recovery, string? Message);
