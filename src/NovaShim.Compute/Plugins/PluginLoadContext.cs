using System.Collections.Frozen;
using System.Reflection;
using System.Runtime.Loader;
using NovaShim.Sdk;

namespace NovaShim.Compute.Plugins;

/// <summary>
/// Where one plugin's assemblies live. It shares with the program what the Sdk's signatures are made of, and the framework; everything else comes from the plugin's own folder, so that two plugins
/// may bring two versions of a library. The program's own libraries are hidden from it: a plugin that would work only by their being there would break with the next version of the program.
/// </summary>
internal sealed class PluginLoadContext(string name, string mainAssembly) : AssemblyLoadContext($"plugin {name}", isCollectible: true)
{
    private static readonly FrozenSet<string> _shared = new[]
    {
        SdkCompatibility.SdkName,
        "Microsoft.Extensions.Configuration.Abstractions",
        "Microsoft.Extensions.DependencyInjection.Abstractions",
        "Microsoft.Extensions.Logging.Abstractions",
        "Microsoft.Extensions.Options",
        "Microsoft.Extensions.Primitives",
        "System.Text.Json",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly AssemblyLoadContext _program = GetLoadContext(typeof(ComputeManager).Assembly)!;
    private static readonly FrozenSet<string> _programsOwn = FindProgramsOwn();
    private readonly AssemblyDependencyResolver _resolver = new(mainAssembly);

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (_shared.Contains(assemblyName.Name!))
        {
            return _program.LoadFromAssemblyName(assemblyName);
        }

        if (_resolver.ResolveAssemblyToPath(assemblyName) is { } path)
        {
            return LoadFromAssemblyPath(path);
        }

        return _programsOwn.Contains(assemblyName.Name!) ? throw new FileNotFoundException($"{assemblyName.Name} is not in the plugin's folder.", assemblyName.FullName) : null;
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;

    /// <summary>The assemblies that lie beside the program and are no part of the framework. A program published with its framework cannot tell the two apart and hides none.</summary>
    private static FrozenSet<string> FindProgramsOwn()
    {
        static string Folder(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

        var program = Folder(AppContext.BaseDirectory);
        var framework = Folder(Path.GetDirectoryName(typeof(object).Assembly.Location) is { Length: > 0 } location ? location : AppContext.BaseDirectory);
        return program == framework || AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") is not string trusted
            ? []
            : trusted.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .Where(p => Path.GetDirectoryName(p) == program)
                .Select(p => Path.GetFileNameWithoutExtension(p))
                .ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }
}
