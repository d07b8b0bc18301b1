using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.XenApi.Repositories;

/// <summary>The storage layer's numbers as API failures.</summary>
internal static class StorageFailures
{
    public static ApiFailure Translate(StorageException error) => error.Number switch
    {
        StorageError.VdiInUse => new ApiFailure("VDI_IN_USE"),
        StorageError.VdiMissing => new ApiFailure("VDI_MISSING", "", error.OptErr),
        _ => new ApiFailure($"SR_BACKEND_FAILURE_{error.Number}", "", $"{Text(error.Number)} [opterr={error.OptErr}]", ""),
    };

    private static string Text(int number) => number switch
    {
        StorageError.ScanFailed => "The SR scan failed ",
        StorageError.VdiExists => "The VDI already exists ",
        StorageError.VdiUnavailable => "The VDI is not available ",
        StorageError.VdiLoad => "Error in Metadata volume operation for SR. ",
        StorageError.VdiCreate => "VDI Creation failed ",
        StorageError.VdiSize => "VDI Invalid size ",
        StorageError.VdiDelete => "VDI deletion failed ",
        StorageError.CloneFailed => "Failed to clone VDI ",
        StorageError.ChainTooLong => "The snapshot chain is too long ",
        _ => "",
    };
}
