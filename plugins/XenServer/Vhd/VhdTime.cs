namespace NovaShim.Vhd;

/// <summary>Time as VHD counts it: whole seconds since 2000-01-01T00:00:00Z, 32 bits.</summary>
public static class VhdTime
{
    private const long EpochUnixSeconds = 946_684_800;

    /// <summary>The stored number for a moment; moments the field cannot hold are clamped to its ends.</summary>
    public static uint FromTime(DateTimeOffset time) => (uint)Math.Clamp(time.ToUnixTimeSeconds() - EpochUnixSeconds, 0, uint.MaxValue);

    /// <summary>The moment a stored number stands for.</summary>
    public static DateTimeOffset ToTime(uint seconds) => DateTimeOffset.FromUnixTimeSeconds(EpochUnixSeconds + seconds);
}
