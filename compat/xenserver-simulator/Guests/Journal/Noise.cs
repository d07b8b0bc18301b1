using System.Runtime.InteropServices;

namespace NovaShim.XenServerSimulator.Guests.Journal;

/// <summary>Bytes that look random, do not compress and follow from a seed.</summary>
internal static class Noise
{
    public static void Fill(Span<byte> target, ulong seed)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(target);
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = Next(ref seed);
        }

        ulong last = Next(ref seed);
        MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref last, 1))[..(target.Length % sizeof(ulong))].CopyTo(target[(words.Length * sizeof(ulong))..]);
    }

    // A Weyl sequence with a 64-bit finalizer: neighbouring seeds have nothing in common.
    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
