using System.Diagnostics;
using System.Text;

namespace NovaShim.Api.Tests.Spec;

/// <summary>
/// Judges documents in XML by <c>api-spec/rng/v1.1.rng</c>. .NET has no validator for RelaxNG, so one process of Debian's python3-lxml does it for the whole run: each document goes in with its length
/// before it, and a line comes back. It ends when its input does, with the run.
/// </summary>
internal static class XmlShapes
{
    private const string Judge = """
        import sys
        from lxml import etree
        shape = etree.RelaxNG(etree.parse(sys.argv[1]))
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        print("ready", flush=True)
        for line in sys.stdin.buffer:
            document = sys.stdin.buffer.read(int(line))
            try:
                root = etree.fromstring(document, parser)
                problems = [] if shape.validate(root) else [f"<{root.tag}>: {e.message}" for e in shape.error_log] or [f"<{root.tag}> has no such shape"]
            except etree.XMLSyntaxError as error:
                problems = [str(error)]
            print(" / ".join(problems[:4]).replace("\n", " "), flush=True)
        """;

    private static readonly SemaphoreSlim Turn = new(1, 1);
    private static Process? _process;

    /// <summary>What of a document no shape allows; empty when one does.</summary>
    public static async Task<IReadOnlyList<string>> MismatchesAsync(byte[] document)
    {
        await Turn.WaitAsync();
        try
        {
            var process = _process ??= await StartAsync();
            var input = process.StandardInput.BaseStream;
            await input.WriteAsync(Encoding.ASCII.GetBytes($"{document.Length}\n"));
            await input.WriteAsync(document);
            await input.FlushAsync();
            var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The judge of XML has ended: " + await process.StandardError.ReadToEndAsync());
            return line.Length == 0 ? [] : [line];
        }
        finally
        {
            Turn.Release();
        }
    }

    private static async Task<Process> StartAsync()
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Judge);
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "api-spec", "rng", "v1.1.rng"));
        var process = Process.Start(start)!;
        return await process.StandardOutput.ReadLineAsync() == "ready"
            ? process
            : throw new InvalidOperationException("The judge of XML did not start: " + await process.StandardError.ReadToEndAsync());
    }
}
