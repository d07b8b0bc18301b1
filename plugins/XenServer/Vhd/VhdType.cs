namespace NovaShim.Vhd;

/// <summary>What kind of image a VHD is; the numbers are those of the footer.</summary>
public enum VhdType
{
    None = 0,

    /// <summary>The whole disk, then the footer.</summary>
    Fixed = 2,

    /// <summary>Blocks allocated as they are written; holes read as zeros.</summary>
    Dynamic = 3,

    /// <summary>As dynamic, but holes read from the parent.</summary>
    Differencing = 4,
}
