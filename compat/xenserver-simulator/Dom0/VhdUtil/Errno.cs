using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>The numbers vhd-util exits with: errno.h of Linux.</summary>
internal static class Errno
{
    public const int NoSuchFile = 2;
    public const int Io = 5;
    public const int NoPermission = 13;
    public const int InvalidArgument = 22;
    public const int NoSpace = 28;
    public const int NotImplemented = 38;

    /// <summary>The number for a failure of the library.</summary>
    public static int Of(Exception failure) => failure switch
    {
        VhdParentMissingException or FileNotFoundException or DirectoryNotFoundException => NoSuchFile,
        VhdFormatException or ArgumentException or InvalidOperationException => InvalidArgument,
        UnauthorizedAccessException => NoPermission,
        IOException { HResult: NoSpace } => NoSpace,
        _ => Io,
    };
}
