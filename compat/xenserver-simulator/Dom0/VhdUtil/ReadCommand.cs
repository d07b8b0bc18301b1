using System.Globalization;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Dom0.VhdUtil;

/// <summary>read -n F -p: what footer, header and locators say.</summary>
internal static class ReadCommand
{
    public const string Flags = "n:p";

    public static int Run(Flags flags, TextWriter stdout)
    {
        using var file = VhdFile.Open(flags.Require('n'));
        if (flags.Has('p'))
        {
            Dump(file, stdout);
        }

        return 0;
    }

    /// <summary>Dumps as much as a possibly broken file lets us.</summary>
    public static void TryDump(string path, TextWriter stdout)
    {
        try
        {
            using var file = VhdFile.Open(path);
            Dump(file, stdout);
        }
        catch (VhdFormatException broken)
        {
            stdout.WriteLine(broken.Message);
        }
    }

    private static void Dump(VhdFile file, TextWriter stdout)
    {
        var footer = file.Footer;
        Title("VHD Footer Summary", stdout);
        Line("Cookie", "conectix", stdout);
        Line("Timestamp", Time(footer.Timestamp), stdout);
        Line("Creator version", $"{footer.CreatorVersion >> 16}.{footer.CreatorVersion & 0xFFFF}", stdout);
        Line("Original disk size", Size(footer.OriginalSize), stdout);
        Line("Current disk size", Size(footer.CurrentSize), stdout);
        Line("Geometry", $"Cyl: {footer.Geometry.Cylinders}, Hds: {footer.Geometry.Heads}, Sctrs: {footer.Geometry.SectorsPerTrack}", stdout);
        Line("Disk type", $"{footer.Type} hard disk", stdout);
        Line("UUID", footer.Uuid.ToString(), stdout);
        Line("Hidden", footer.Hidden ? "1" : "0", stdout);
        if (file.Header is not { } header)
        {
            return;
        }

        stdout.WriteLine();
        Title("VHD Header Summary", stdout);
        Line("Cookie", "cxsparse", stdout);
        Line("Table offset", header.BatOffset.ToString(CultureInfo.InvariantCulture), stdout);
        Line("Max BAT size", header.BatEntries.ToString(CultureInfo.InvariantCulture), stdout);
        Line("Block size", $"{header.BlockSize} ({header.BlockSize >> 20} MB)", stdout);
        Line("Parent name", header.ParentName, stdout);
        Line("Parent UUID", header.ParentUuid.ToString(), stdout);
        Line("Parent timestamp", Time(header.ParentTimestamp), stdout);
        foreach (var locator in header.Locators)
        {
            Line("Parent locator", $"code 0x{locator.Code:x8}, {locator.Length} of {locator.Space} bytes at {locator.Offset}", stdout);
        }
    }

    private static void Title(string title, TextWriter stdout)
    {
        stdout.WriteLine($"{title}:");
        stdout.WriteLine(new string('-', title.Length + 1));
    }

    private static void Line(string field, string value, TextWriter stdout) => stdout.WriteLine($"{field,-20}: {value}");

    private static string Size(long bytes) => $"{bytes >> 20} MB ({bytes} Bytes)";

    private static string Time(uint seconds) => VhdTime.ToTime(seconds).ToString("ddd MMM d HH:mm:ss yyyy", CultureInfo.InvariantCulture);
}
