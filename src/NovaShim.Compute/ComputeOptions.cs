namespace NovaShim.Compute;

/// <summary>The control plane's settings: section <c>compute</c> of the configuration. Times are in seconds.</summary>
public sealed record ComputeOptions
{
    /// <summary>How often each actor asks the store for its due work, beside being told by messages.</summary>
    public double PollSeconds { get; init; } = 2;

    /// <summary>How long a step may go without a sign of life before another process may take it.</summary>
    public double LeaseSeconds { get; init; } = 15;

    /// <summary>How often a service says that it is alive (Nova's <c>report_interval</c>).</summary>
    public double HeartbeatSeconds { get; init; } = 5;

    /// <summary>After how much silence a service counts as down (Nova's <c>service_down_time</c>).</summary>
    public double ServiceDownSeconds { get; init; } = 60;

    /// <summary>How often it is looked after servers to which nothing is being done: their power states and addresses. 0: never. Nova's <c>sync_power_state_interval</c>.</summary>
    public double SyncPowerStateSeconds { get; init; } = 60;

    /// <summary>After how long an unattended resize confirms itself; 0 = never (Nova's <c>resize_confirm_window</c>).</summary>
    public double ResizeConfirmWindow { get; init; }

    /// <summary>Whether a shelved server leaves its host as soon as its image is there (Nova's <c>shelved_offload_time</c> of 0), or only when an administrator asks for it (-1).</summary>
    public bool OffloadShelved { get; init; } = true;

    /// <summary>How often a step is tried before it is given up.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>The pause before the second try; it doubles with each further one.</summary>
    public double RetrySeconds { get; init; } = 2;

    /// <summary>The longest pause between tries.</summary>
    public double RetrySecondsMax { get; init; } = 60;

    /// <summary>How many steps of migrations, and how many of servers' other work, a host does at once.</summary>
    public int ConcurrentSteps { get; init; } = 8;

    /// <summary>How many migrations may be on their way at once, all hosts together; 0 = any number. The others wait in order.</summary>
    public int ConcurrentMigrations { get; init; }

    /// <summary>How many migrations may be on their way from or to one host at once; 0 = any number.</summary>
    public int ConcurrentMigrationsPerHost { get; init; }

    /// <summary>The most that one migration may send, in KiB per second; 0 = no limit.</summary>
    public int BandwidthPerMigration { get; init; }

    /// <summary>
    /// The most that all migrations from or to one host may send together, each way, in KiB per second; 0 = no limit. Each has an equal share of it whether the others are there or not, which is why it needs
    /// <see cref="ConcurrentMigrationsPerHost"/>: so it is kept without anybody having to slow down in the midst of a copy.
    /// </summary>
    public int BandwidthPerHost { get; init; }

    /// <summary>What a migration may send, in KiB per second; 0 = no limit.</summary>
    internal int BandwidthOfOne =>
        (BandwidthPerMigration, BandwidthPerHost) switch
        {
            (var one, <= 0) => Math.Max(one, 0),
            (<= 0, var host) => Share(host),
            (var one, var host) => Math.Min(one, Share(host)),
        };

    /// <summary>Throws <see cref="InvalidOperationException"/> naming the setting where two of them make no sense together.</summary>
    public ComputeOptions Checked() => BandwidthPerHost > 0 && ConcurrentMigrationsPerHost <= 0
        ? throw new InvalidOperationException("compute:bandwidth_per_host needs compute:concurrent_migrations_per_host, among which it is shared.")
        : this;

    private int Share(int bandwidth) => Math.Max(1, bandwidth / Math.Max(1, ConcurrentMigrationsPerHost));

    /// <summary>An actor that lives takes its work within a poll interval: what was due by this moment has been passed over.</summary>
    internal DateTime OverdueAt(DateTime now) => now - TimeSpan.FromSeconds(3 * PollSeconds);

    /// <summary>The pause before the next try after this many failures.</summary>
    internal TimeSpan RetryDelay(int attempts) => TimeSpan.FromSeconds(Math.Min(RetrySecondsMax, RetrySeconds * Math.Pow(2, Math.Min(attempts - 1, 20))));
}
