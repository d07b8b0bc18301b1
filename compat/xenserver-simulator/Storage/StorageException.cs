namespace NovaShim.XenServerSimulator.Storage;

/// <summary>A refusal of the storage layer, with the number that becomes SR_BACKEND_FAILURE_<i>n</i> (24: VDI_IN_USE, 144: VDI_MISSING).</summary>
/// <param name="number">One of <see cref="StorageError"/>.</param>
/// <param name="opterr">The free text that goes into <c>[opterr=…]</c>.</param>
/// <param name="inner">What the operating system said, where it did.</param>
internal sealed class StorageException(int number, string opterr, Exception? inner = null) : Exception($"storage error {number}: {opterr}", inner)
{
    // ENOSPC, which .NET hands on as it is.
    private const int NoSpace = 28;

    /// <summary>The storage manager's number.</summary>
    public int Number { get; } = number;

    /// <summary>The free text beside it.</summary>
    public string OptErr { get; } = opterr;

    /// <summary>A failed file operation as the storage manager tells it: a full disk is "error 28" under the operation's own number.</summary>
    public static StorageException From(int number, Exception failure) =>
        failure as StorageException ?? new StorageException(number, failure.HResult == NoSpace ? $"error {NoSpace}" : failure.Message, failure);

    public static StorageException Missing(string uuid) => new(StorageError.VdiMissing, $"VDI {uuid} not found");

    public static StorageException InUse(string uuid) => new(StorageError.VdiInUse, $"VDI {uuid} is in use");
}

/// <summary>The storage manager's error numbers that this repository raises.</summary>
internal static class StorageError
{
    public const int VdiInUse = 24;
    public const int ScanFailed = 40;
    public const int VdiExists = 43;
    public const int VdiUnavailable = 46;
    public const int VdiLoad = 65;
    public const int VdiCreate = 78;
    public const int VdiSize = 79;
    public const int VdiDelete = 80;
    public const int CloneFailed = 81;
    public const int ChainTooLong = 109;
    public const int VdiMissing = 144;
}
