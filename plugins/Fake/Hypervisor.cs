using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NovaShim.Sdk;

namespace NovaShim.Fake;

/// <summary>
/// The laws of a world, kept for every driver: what any hypervisor refuses, and what no control plane may ever ask for. The latter is refused as loudly as possible and recorded for good in
/// <see cref="WorldState.Violations"/>.
/// </summary>
internal static class Hypervisor
{
    private const long Gigabyte = 1L << 30;

    /// <summary>Throws when a VM must not start here: the server runs elsewhere, or the host is full.</summary>
    public static void ThrowUnlessStartable(WorldState world, string host, string uuid, int memoryMb, FakeSettings settings)
    {
        if (world.Hosts.FirstOrDefault(h => h.Key != host && h.Value.Vms.TryGetValue(uuid, out var vm) && vm.Up) is { Key: { } other })
        {
            throw Violation(world, $"Server {uuid} was to be started on {host} while it runs on {other}.");
        }

        var used = world.Host(host).Vms.Where(v => v.Key != uuid && v.Value.Up).Sum(v => (long)v.Value.MemoryMb);
        if (used + memoryMb > settings.MemoryMb)
        {
            throw new StepFailedException(string.Create(CultureInfo.InvariantCulture, $"Host {host} has {settings.MemoryMb - used} MiB of memory left; the server needs {memoryMb}."), StepRecovery.Reschedule);
        }
    }

    /// <summary>Throws when so much disk is not left.</summary>
    public static void ThrowUnlessRoom(HostState state, string host, long bytes, FakeSettings settings)
    {
        var left = (settings.LocalGb * Gigabyte) - BytesUsed(state);
        if (bytes > left)
        {
            throw new StepFailedException(string.Create(CultureInfo.InvariantCulture, $"Host {host} has {left / Gigabyte} GiB of disk left; the server needs {bytes / Gigabyte}."), StepRecovery.Reschedule);
        }
    }

    /// <summary>Starts a VM: its guest writes to its disks.</summary>
    public static void Start(FakeVm vm, string host)
    {
        (vm.Running, vm.Paused, vm.Suspended) = (true, false, false);
        vm.Disks.ForEach(d => d.Journal.Add($"start {host}"));
    }

    /// <summary>Stops a VM in an orderly way: its guest has the last word.</summary>
    public static void Stop(FakeVm vm, string host)
    {
        if (vm is { Running: true, Paused: false })
        {
            vm.Disks.ForEach(d => d.Journal.Add($"stop {host}"));
        }

        Cut(vm);
    }

    /// <summary>Stops a VM at once: its guest has no time to write.</summary>
    public static void Cut(FakeVm vm) => (vm.Running, vm.Paused, vm.Suspended) = (false, false, false);

    /// <summary>Throws when no other host has the server: what is to be destroyed here is the last of it.</summary>
    public static void ThrowIfLast(WorldState world, string host, string uuid, string verb)
    {
        if (!world.Hosts.Any(h => h.Key != host && h.Value.Vms.ContainsKey(uuid)))
        {
            throw Violation(world, $"{verb} was to destroy server {uuid} on {host} though no other host has it.");
        }
    }

    /// <summary>Records what must never happen, and makes the failure to throw.</summary>
    public static StepFailedException Violation(WorldState world, string what)
    {
        world.Violations.Add(what);
        return new StepFailedException("VIOLATION: " + what, StepRecovery.Unwind);
    }

    /// <summary>Bytes that the disks of a host take, those on their way here included.</summary>
    public static long BytesUsed(HostState state) => state.Vms.Values.SelectMany(v => v.Disks.Concat(v.Rescue?.Disks ?? [])).Concat(state.Incoming.Values.SelectMany(d => d)).Sum(d => d.Size);

    /// <summary>The disks of a new server.</summary>
    public static List<FakeDisk> Disks(Flavor flavor, long imageSize)
    {
        List<FakeDisk> disks = [new() { Name = "root", Size = flavor.RootGb > 0 ? flavor.RootGb * Gigabyte : imageSize }];
        if (flavor.EphemeralGb > 0)
        {
            disks.Add(new() { Name = "ephemeral", Size = flavor.EphemeralGb * Gigabyte });
        }

        return disks;
    }

    /// <summary>Disks as large as a flavor asks for; never smaller than they were.</summary>
    public static List<FakeDisk> Grow(IEnumerable<FakeDisk> disks, Flavor flavor) =>
        [.. disks.Select(d => d with { Size = Math.Max(d.Size, (d.Name == "root" ? flavor.RootGb : flavor.EphemeralGb) * Gigabyte) })];

    /// <summary>The checksum of what a disk holds: SHA-256 in hexadecimal.</summary>
    public static string Checksum(FakeDisk disk) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', disk.Journal.Prepend(string.Create(CultureInfo.InvariantCulture, $"{disk.Name} {disk.Size}"))))));

    /// <summary>The address that a server has wherever it runs.</summary>
    public static string Address(string uuid)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(uuid));
        return string.Create(CultureInfo.InvariantCulture, $"10.{hash[0]}.{hash[1]}.{1 + (hash[2] % 254)}");
    }
}
