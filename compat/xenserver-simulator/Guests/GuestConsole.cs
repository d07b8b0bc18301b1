namespace NovaShim.XenServerSimulator.Guests;

/// <summary>What a guest writes to its console, in a file of dom0: where xenconsoled puts it when it is told to keep a log.</summary>
internal sealed class GuestConsole(string file)
{
    /// <summary>Adds a line. A console that cannot be written is no reason for a guest to stop.</summary>
    public void WriteLine(string line)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.AppendAllText(file, line + "\n");
        }
        catch (IOException)
        {
            // The disk of dom0 is full.
        }
    }
}
