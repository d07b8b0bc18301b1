namespace NovaShim.Vhd;

/// <summary>The checksum of footer, header and batmap: the ones' complement of the sum of all bytes.</summary>
internal static class VhdChecksum
{
    /// <summary>Sums <paramref name="structure"/> with the four bytes of its own checksum field at <paramref name="field"/> taken as zero.</summary>
    public static uint Of(ReadOnlySpan<byte> structure, int field) => ~(Sum(structure[..field]) + Sum(structure[(field + 4)..]));

    public static uint Of(ReadOnlySpan<byte> bytes) => ~Sum(bytes);

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        foreach (var b in bytes)
        {
            sum += b;
        }

        return sum;
    }
}
