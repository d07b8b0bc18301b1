namespace NovaShim.XenServerSimulator.Guests.Journal;

/// <summary>The CRC-32 of zlib and Ethernet, which every language's library has: others verify a journal too.</summary>
internal static class Crc32
{
    private const int Lanes = 8;
    private static readonly uint[][] Tables = MakeTables();

    public static uint Of(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        while (data.Length >= Lanes)
        {
            crc ^= BitConverter.ToUInt32(data);
            crc = Tables[7][crc & 0xFF] ^ Tables[6][(crc >> 8) & 0xFF] ^ Tables[5][(crc >> 16) & 0xFF] ^ Tables[4][crc >> 24]
                ^ Tables[3][data[4]] ^ Tables[2][data[5]] ^ Tables[1][data[6]] ^ Tables[0][data[7]];
            data = data[Lanes..];
        }

        foreach (byte b in data)
        {
            crc = Tables[0][(crc ^ b) & 0xFF] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint[][] MakeTables()
    {
        uint[][] tables = [.. Enumerable.Range(0, Lanes).Select(_ => new uint[256])];
        for (uint n = 0; n < 256; n++)
        {
            uint crc = n;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
            }

            tables[0][n] = crc;
        }

        for (int lane = 1; lane < Lanes; lane++)
        {
            for (int n = 0; n < 256; n++)
            {
                tables[lane][n] = tables[0][tables[lane - 1][n] & 0xFF] ^ (tables[lane - 1][n] >> 8);
            }
        }

        return tables;
    }
}
