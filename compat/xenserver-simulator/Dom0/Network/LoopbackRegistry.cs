using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace NovaShim.XenServerSimulator.Dom0.Network;

/// <summary>
/// Gives each simulated host on this machine a loopback address of its own and tells whose address a connection comes from. What a dom0 sends to another
/// host leaves from that address, so a relay can tell it from management traffic and knows both ends of the cable.
/// </summary>
internal static class LoopbackRegistry
{
    private static string Directory => Path.Combine(Path.GetTempPath(), $"xenserver-simulator-{Environment.UserName}");

    /// <summary>The address of the host in that folder: the same at each start unless another host has taken it meanwhile.</summary>
    /// <exception cref="IOException">No address is free, or the registry cannot be written.</exception>
    public static IPAddress Claim(string root)
    {
        System.IO.Directory.CreateDirectory(Directory);
        uint hash = BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(root)));
        for (uint attempt = 0; attempt < 4096; attempt++)
        {
            uint n = unchecked(hash + attempt);
            IPAddress address = IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.{16 + (n >> 8) % 200}.{n % 256}.1"));
            string entry = EntryOf(address);
            string? owner = OwnerOf(address);
            if (owner is not null && owner != root && System.IO.Directory.Exists(owner))
            {
                continue;
            }

            // A link appears whole or not at all: two hosts starting at once cannot both have it.
            try
            {
                if (owner != root)
                {
                    File.Delete(entry);
                    File.CreateSymbolicLink(entry, root);
                }

                if (OwnerOf(address) == root)
                {
                    return address;
                }
            }
            catch (IOException) when (OwnerOf(address) is not null)
            {
                // Somebody was faster: the next address.
            }
        }

        throw new IOException($"No loopback address is free for a host: {Directory} has an entry for each.");
    }

    /// <summary>Gives the address back.</summary>
    public static void Release(IPAddress address, string root)
    {
        if (OwnerOf(address) == root)
        {
            File.Delete(EntryOf(address));
        }
    }

    /// <summary>The folder of the host with that address, null when no host has it.</summary>
    public static string? OwnerOf(IPAddress address) => new FileInfo(EntryOf(address)).LinkTarget;

    private static string EntryOf(IPAddress address) => Path.Combine(Directory, address.ToString());
}
