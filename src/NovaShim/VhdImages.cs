using NovaShim.Compute.Images;
using NovaShim.Vhd;

namespace NovaShim;

/// <summary>Looks into uploaded VHDs with the library that the XenServer driver reads and writes them with.</summary>
internal sealed class VhdImages : IImageFormat
{
    public string DiskFormat => "vhd";

    public long VirtualSizeOf(string file, CancellationToken cancellation)
    {
        try
        {
            // A clock that ran ahead where the image was made does no harm here.
            if (VhdCheck.Run(file, new VhdCheckOptions { IgnoreTimes = true }, cancellation)[0] is { Valid: false, Problems: var problems })
            {
                throw new InvalidImageException($"The data is no valid VHD: {string.Join("; ", problems)}.");
            }

            using var vhd = VhdFile.Open(file);
            return vhd.Type != VhdType.Differencing ? vhd.VirtualSize : throw new InvalidImageException("The data is a differencing VHD: it needs a parent that it came without.");
        }
        catch (VhdFormatException broken)
        {
            throw new InvalidImageException($"The data is no valid VHD: {broken.Message.Replace(file + ": ", "", StringComparison.Ordinal)}.", broken);
        }
    }
}
