using System.Buffers.Binary;
using System.Text;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>How ECMA-119 writes numbers, moments and text.</summary>
internal static class IsoBytes
{
    /// <summary>Bytes of a sector; everything begins at one.</summary>
    public const int Sector = 2048;

    /// <summary>Bytes of a moment as a directory has it.</summary>
    public const int ShortMoment = 7;

    /// <summary>Bytes of a moment as a volume has it.</summary>
    public const int LongMoment = 17;

    /// <summary>How many sectors so many bytes take.</summary>
    public static int Sectors(int bytes) => (bytes + Sector - 1) / Sector;

    /// <summary>A number in both byte orders, 8 bytes.</summary>
    public static void Both32(Span<byte> at, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(at, value);
        BinaryPrimitives.WriteInt32BigEndian(at[4..], value);
    }

    /// <summary>A number in both byte orders, 4 bytes.</summary>
    public static void Both16(Span<byte> at, short value)
    {
        BinaryPrimitives.WriteInt16LittleEndian(at, value);
        BinaryPrimitives.WriteInt16BigEndian(at[2..], value);
    }

    /// <summary>A moment in a directory, UTC.</summary>
    public static void Short(Span<byte> at, DateTime utc)
    {
        ReadOnlySpan<byte> parts = [(byte)(utc.Year - 1900), (byte)utc.Month, (byte)utc.Day, (byte)utc.Hour, (byte)utc.Minute, (byte)utc.Second, 0];
        parts.CopyTo(at);
    }

    /// <summary>A moment of a volume, UTC; null: none.</summary>
    public static void Long(Span<byte> at, DateTime? utc)
    {
        at[LongMoment - 1] = 0;
        Encoding.ASCII.GetBytes(utc is { } moment ? moment.ToString("yyyyMMddHHmmssff", System.Globalization.CultureInfo.InvariantCulture) : new string('0', LongMoment - 1), at);
    }

    /// <summary>Text with blanks behind it; as Joliet writes it, or in ASCII.</summary>
    public static void Text(Span<byte> at, string text, bool joliet)
    {
        var encoding = joliet ? Encoding.BigEndianUnicode : Encoding.ASCII;
        var whole = joliet ? at[..(at.Length / 2 * 2)] : at;
        encoding.GetBytes(text.PadRight(whole.Length / (joliet ? 2 : 1)), whole);
    }
}
