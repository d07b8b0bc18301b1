namespace NovaShim.Vhd;

/// <summary>What an image is opened for.</summary>
public enum VhdAccess
{
    /// <summary>Reading only; the file may be changed by others meanwhile, which this reader then may or may not see.</summary>
    Read = 0,

    /// <summary>Reading and writing; after every call the file ends with a good footer.</summary>
    ReadWrite = 1,

    /// <summary>
    /// As a running VM's disk is open in dom0: while it is open the last 512 bytes are 0xC7 and the batmap is kept in memory;
    /// both are written back when it is closed. Killed before that, the file opens by its footer copy at 0.
    /// </summary>
    Attached = 2,
}
