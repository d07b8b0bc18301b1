using System.Globalization;
using System.Net;
using NovaShim.XenServerSimulator.XenApi.Records;

namespace NovaShim.XenServerSimulator.XenApi.Machines;

/// <summary>The addresses a guest has on its interfaces, as if a DHCP server knew every interface by its MAC: they stay the same wherever the guest runs.</summary>
internal static class GuestAddresses
{
    /// <summary>What the guest's tools report of an interface, as <c>VM_guest_metrics.networks</c> has it: <c>0/ip</c> and <c>0/ipv4/0</c>, and the address that every interface gives itself, <c>0/ipv6/0</c>.</summary>
    public static IEnumerable<(string Key, string Value)> Reported(Record vif)
    {
        byte[] mac = [.. vif.Text("MAC").Split(':').Select(part => byte.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
        string device = vif.Text("device"), given = new IPAddress([10, mac[3], mac[4], mac[5]]).ToString();
        string own = new IPAddress([0xFE, 0x80, 0, 0, 0, 0, 0, 0, (byte)(mac[0] ^ 2), mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]]).ToString();
        return [($"{device}/ip", given), ($"{device}/ipv4/0", given), ($"{device}/ipv6/0", own)];
    }
}
