using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NovaShim.Sdk;

namespace NovaShim.Plugins.Tests;

/// <summary>Makes small plugins from source, good ones and broken ones.</summary>
internal static class Workshop
{
    private static readonly MetadataReference[] _framework =
        [.. Directory.GetFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "*.dll").Where(IsManaged).Select(f => MetadataReference.CreateFromFile(f))];

    private static readonly MetadataReference _sdk = MetadataReference.CreateFromFile(typeof(ComputeManager).Assembly.Location);

    /// <summary>Source of a plugin that can be loaded and created; its driver does nothing.</summary>
    public static string Source(string driver, string inManager = "", string beside = "", string version = "1.2.3") => $$"""
        using System; using System.Threading; using System.Threading.Tasks; using NovaShim.Sdk;
        [assembly: ComputePlugin("{{driver}}", typeof(Tiny.Manager))]
        [assembly: System.Reflection.AssemblyInformationalVersion("{{version}}")]
        namespace Tiny
        {
            public class Manager : ComputeManager
            {
                public Manager(ComputeHost host) : base(null!) { }
                {{inManager}}
            }
            {{beside}}
        }
        """;

    /// <summary>Compiles an assembly into a file. Throws with the compiler's words when the source is wrong.</summary>
    public static string Compile(string file, string source, params string[] references) => CompileWith(file, source, [_sdk, .. References(references)]);

    /// <summary>The same, against another Sdk than the program's.</summary>
    public static string CompileWithSdk(string file, string source, string sdk) => CompileWith(file, source, References(sdk));

    /// <summary>Compiles an Sdk of another version: as much of one as a plugin needs to be compiled.</summary>
    public static string CompileSdk(string folder, string version) => CompileWith(
        Path.Combine(folder, "NovaShim.Sdk.dll"),
        $$"""
        [assembly: System.Reflection.AssemblyVersion("{{version}}")]
        namespace NovaShim.Sdk
        {
            public class ComputeHost { }
            public class VirtDriver { }
            public abstract class ComputeManager { protected ComputeManager(VirtDriver driver) { } }
            public class ComputePluginAttribute : System.Attribute { public ComputePluginAttribute(string driver, System.Type manager) { } }
        }
        """,
        []);

    private static string CompileWith(string file, string source, IEnumerable<MetadataReference> references)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var result = CSharpCompilation.Create(
            Path.GetFileNameWithoutExtension(file),
            [CSharpSyntaxTree.ParseText(source)],
            [.. _framework, .. references],
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable)).Emit(file);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return file;
    }

    private static IEnumerable<MetadataReference> References(params string[] files) => files.Select(f => MetadataReference.CreateFromFile(f));

    private static bool IsManaged(string file)
    {
        using var stream = File.OpenRead(file);
        using var image = new System.Reflection.PortableExecutable.PEReader(stream);
        return image.HasMetadata;
    }
}
