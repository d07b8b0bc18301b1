using System.Globalization;
using System.Text.Json.Nodes;
using NovaShim.Sdk;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Servers;

/// <summary>The constructor records of the objects a server is made of: every field that XenAPI has no default for.</summary>
internal static class VmRecords
{
    /// <summary>The place of the disk that a VM boots from.</summary>
    public const string RootPlace = "0";

    private const long MiB = 1 << 20;

    /// <summary>A VM of the flavor's size; what the guest sees of a machine is taken from <paramref name="like"/>.</summary>
    public static JsonObject Vm(Instance instance, Flavor flavor, GuestHardware like, IEnumerable<KeyValuePair<string, string>> otherConfig)
    {
        var memory = flavor.MemoryMb * MiB;
        return new JsonObject
        {
            ["name_label"] = instance.Name,
            ["name_description"] = instance.DisplayName,
            ["user_version"] = 1,
            ["is_a_template"] = false,
            ["affinity"] = XenApiJson.Null,
            ["memory_static_min"] = 0,
            ["memory_dynamic_min"] = memory,
            ["memory_dynamic_max"] = memory,
            ["memory_static_max"] = memory,
            ["VCPUs_params"] = new JsonObject(),
            ["VCPUs_max"] = flavor.Vcpus,
            ["VCPUs_at_startup"] = flavor.Vcpus,
            ["actions_after_shutdown"] = "destroy",
            ["actions_after_reboot"] = "restart",
            ["actions_after_crash"] = "destroy",
            ["PV_bootloader"] = like.PvBootloader,
            ["PV_kernel"] = like.PvKernel,
            ["PV_ramdisk"] = like.PvRamdisk,
            ["PV_args"] = like.PvArgs,
            ["PV_bootloader_args"] = like.PvBootloaderArgs,
            ["PV_legacy_args"] = like.PvLegacyArgs,
            ["HVM_boot_policy"] = like.HvmBootPolicy,
            ["HVM_boot_params"] = XenApiJson.Map(like.HvmBootParams),
            ["platform"] = XenApiJson.Map(like.Platform),
            ["PCI_bus"] = "",
            ["other_config"] = XenApiJson.Map(otherConfig),
            ["recommendations"] = "",
        };
    }

    /// <summary>A disk of a VM.</summary>
    public static JsonObject Vbd(string vm, string vdi, string userdevice, bool bootable, bool readOnly = false) => new()
    {
        ["VM"] = vm,
        ["VDI"] = vdi,
        ["userdevice"] = userdevice,
        ["bootable"] = bootable,
        ["mode"] = readOnly ? VBD.ReadOnly : VBD.ReadWrite,
        ["type"] = "Disk",
        ["empty"] = false,
        ["unpluggable"] = false,
        ["other_config"] = new JsonObject(),
        ["qos_algorithm_type"] = "",
        ["qos_algorithm_params"] = new JsonObject(),
    };

    /// <summary>An empty disk.</summary>
    public static JsonObject Vdi(string name, string sr, long bytes, string type, IEnumerable<KeyValuePair<string, string>> otherConfig) => new()
    {
        ["name_label"] = name,
        ["name_description"] = "",
        ["SR"] = sr,
        ["virtual_size"] = bytes,
        ["type"] = type,
        ["sharable"] = false,
        ["read_only"] = false,
        ["other_config"] = XenApiJson.Map(otherConfig),
    };

    /// <summary>An interface; an empty <paramref name="mac"/> lets XenServer make one.</summary>
    public static JsonObject Vif(string vm, string network, string device, string mac, long mtu) => new()
    {
        ["VM"] = vm,
        ["network"] = network,
        ["device"] = device,
        ["MAC"] = mac,
        ["MTU"] = mtu,
        ["other_config"] = new JsonObject(),
        ["qos_algorithm_type"] = "",
        ["qos_algorithm_params"] = new JsonObject(),
    };

    /// <summary>A disk's name, for people.</summary>
    public static string DiskName(Instance instance, string userdevice) => string.Create(CultureInfo.InvariantCulture, $"{instance.Name} disk {userdevice}");
}

/// <summary>What a guest sees of its machine: how it boots, and its platform.</summary>
internal sealed record GuestHardware
{
    public string HvmBootPolicy { get; init; } = "BIOS order";

    public IReadOnlyDictionary<string, string> HvmBootParams { get; init; } = new Dictionary<string, string> { ["order"] = "dc" };

    public IReadOnlyDictionary<string, string> Platform { get; init; } =
        new Dictionary<string, string> { ["acpi"] = "true", ["apic"] = "true", ["pae"] = "true", ["viridian"] = "true", ["nx"] = "true", ["timeoffset"] = "0" };

    public string PvBootloader { get; init; } = "";

    public string PvBootloaderArgs { get; init; } = "";

    public string PvKernel { get; init; } = "";

    public string PvRamdisk { get; init; } = "";

    public string PvArgs { get; init; } = "";

    public string PvLegacyArgs { get; init; } = "";

    /// <summary>The machine of an existing VM.</summary>
    public static GuestHardware Of(VM vm) => new()
    {
        HvmBootPolicy = vm.HVM_boot_policy,
        HvmBootParams = vm.HVM_boot_params,
        Platform = vm.platform,
        PvBootloader = vm.PV_bootloader,
        PvBootloaderArgs = vm.PV_bootloader_args,
        PvKernel = vm.PV_kernel,
        PvRamdisk = vm.PV_ramdisk,
        PvArgs = vm.PV_args,
        PvLegacyArgs = vm.PV_legacy_args,
    };
}
