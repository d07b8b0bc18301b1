using NovaShim.XenServerSimulator.XenApi.Machines;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Pool;

/// <summary>The objects a host has before anybody has made one: pool, host, dom0, local SR, management network.</summary>
internal static class FirstBoot
{
    private const string LoopbackAddress = "127.0.0.1";

    /// <summary>Makes them where the database is empty, and writes into them what this start says anew.</summary>
    /// <param name="database">The host's objects.</param>
    /// <param name="identity">Who the host is.</param>
    /// <param name="repositoryPath">From an SR's uuid to its directory.</param>
    /// <param name="time">Now.</param>
    /// <returns>The local SR's uuid.</returns>
    public static string Run(Database database, HostIdentity identity, Func<string, string> repositoryPath, TimeProvider time) => database.Change(tx =>
    {
        if (!tx.All("pool").Any())
        {
            Install(tx, identity, repositoryPath);
        }

        Record host = tx.All("host").First();
        tx.Set(
            host.Ref,
            ("API_version_major", (long)database.Model.Version.Major),
            ("API_version_minor", (long)database.Model.Version.Minor),
            ("software_version", Values.Map(
                ("product_version", identity.ProductVersion),
                ("product_version_text", identity.ProductVersion),
                ("product_brand", "XenServer"),
                ("platform_version", identity.ProductVersion),
                ("xapi", $"{database.Model.Version.Major}.{database.Model.Version.Minor}"),
                ("hostname", identity.Name))),
            ("other_config", host.Map("other_config").With("boot_time", FormattableString.Invariant($"{time.GetUtcNow().ToUnixTimeSeconds()}."))),
            ("name_label", identity.Name),
            ("hostname", identity.Name));
        tx.Set(host.Text("metrics"), ("memory_total", identity.MemoryBytes), ("live", true), ("last_updated", time.GetUtcNow().UtcDateTime));
        return tx.All("SR").First().Uuid;
    });

    private static void Install(Transaction tx, HostIdentity identity, Func<string, string> repositoryPath)
    {
        string metrics = tx.Create("host_metrics", []);
        string host = tx.Create("host",
        [
            new("name_description", "Simulated XenServer host"),
            new("address", LoopbackAddress),
            new("enabled", true),
            new("metrics", metrics),
            new("API_version_vendor", "XenSource"),
            new("sched_policy", "credit"),
            new("edition", "free"),
            new("capabilities", Values.Set(["xen-3.0-x86_64", "hvm-3.0-x86_64"])),
            new("supported_bootloaders", Values.Set(["pygrub", "eliloader"])),
            new("cpu_info", Values.Map(("cpu_count", "4"), ("socket_count", "1"), ("vendor", "GenuineIntel"), ("modelname", "Simulated CPU"), ("speed", "2000.000"))),
            new("memory_overhead", HostMemory.HypervisorOverhead),
        ]);
        for (long number = 0; number < 4; number++)
        {
            tx.Create("host_cpu", [new("host", host), new("number", number), new("vendor", "GenuineIntel"), new("modelname", "Simulated CPU"), new("speed", 2000L)]);
        }

        string network = tx.Create("network", [new("name_label", "Pool-wide network associated with eth0"), new("bridge", "xenbr0")]);
        tx.Create("PIF",
        [
            new("device", "eth0"), new("network", network), new("host", host), new("MAC", Vifs.NewMac()), new("MTU", 1500L), new("VLAN", -1L),
            new("physical", true), new("currently_attached", true), new("management", true),
            new("ip_configuration_mode", "Static"), new("IP", LoopbackAddress), new("netmask", "255.0.0.0"),
        ]);
        tx.Create("SM",
        [
            new("type", "ext"), new("name_label", "Local EXT3 VHD"), new("vendor", "Citrix Systems Inc"), new("version", "1.0"), new("required_api_version", "1.0"),
            new("features", Features.ToDictionary(feature => feature, _ => (object)1L)), new("capabilities", Values.Set(Features)),
        ]);
        string srUuid = Guid.NewGuid().ToString();
        string sr = tx.Create(
            "SR",
            [
                new("name_label", "Local storage"), new("type", "ext"), new("content_type", "user"), new("shared", false),
                new("other_config", Values.Map(("i18n-key", "local-storage"), ("i18n-original-value-name_label", "Local storage"))),
            ],
            srUuid);
        tx.Create("PBD",
        [
            new("host", host), new("SR", sr), new("currently_attached", true),
            new("device_config", Values.Map(("device", "/dev/sda3"), ("path", repositoryPath(srUuid)))),
        ]);
        string dom0 = tx.Create("VM",
        [
            new("name_label", $"Control domain on host: {identity.Name}"), new("is_control_domain", true), new("power_state", "Running"),
            new("domid", 0L), new("resident_on", host), new("affinity", host), new("VCPUs_max", 1L), new("VCPUs_at_startup", 1L),
            new("memory_static_max", HostMemory.ControlDomain), new("memory_dynamic_max", HostMemory.ControlDomain),
            new("memory_dynamic_min", HostMemory.ControlDomain), new("memory_static_min", HostMemory.ControlDomain),
            new("metrics", tx.Create("VM_metrics", [new("memory_actual", HostMemory.ControlDomain), new("VCPUs_number", 1L)])),
        ]);
        tx.Set(host, ("control_domain", dom0), ("suspend_image_sr", sr), ("crash_dump_sr", sr));
        tx.Create("pool", [new("master", host), new("default_SR", sr), new("suspend_image_SR", sr), new("crash_dump_SR", sr)]);
    }

    private static readonly string[] Features =
    [
        "SR_PROBE", "SR_UPDATE", "VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH", "VDI_UPDATE", "VDI_CLONE", "VDI_SNAPSHOT", "VDI_RESIZE",
    ];
}
