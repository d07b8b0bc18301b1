using System.Reflection;
using System.Runtime.CompilerServices;
using NovaShim.Sdk;

namespace NovaShim.Compute.Plugins;

/// <summary>A plugin in memory. Disposing it lets go of its assemblies: they are collected once nothing of the plugin is in use any more.</summary>
internal sealed class LoadedPlugin : IDisposable
{
    private readonly PluginLoadContext _context;
    private readonly ConstructorInfo _constructor;
    private readonly string _copy;

    private LoadedPlugin(PluginLoadContext context, ConstructorInfo constructor, string copy) => (_context, _constructor, _copy) = (context, constructor, copy);

    /// <summary>
    /// Loads the copy of a plugin folder and runs its initializers. Throws <see cref="PluginRefusedException"/> when the plugin cannot be used, for whatever reason; nothing of it stays loaded then.
    /// </summary>
    public static LoadedPlugin Load(string name, string copy)
    {
        PluginLoadContext? context = null;
        try
        {
            var file = Path.Combine(copy, name + ".dll");
            context = OpenContext(name, file);
            var assembly = context.LoadFromAssemblyPath(file);
            ThrowOnMissingReference(context, assembly);
            var constructor = FindConstructor(assembly);
            Initialize(assembly, constructor.DeclaringType!);
            return new LoadedPlugin(context, constructor, copy);
        }
        catch (Exception e)
        {
            // Whatever a plugin does while it is loaded, the program goes on without it.
            context?.Unload();
            ShadowCopies.Remove(copy);
            throw e as PluginRefusedException ?? new PluginRefusedException($"It cannot be loaded: {PluginRefusedException.Describe(e)}", e);
        }
    }

    /// <summary>Makes a compute manager for a host. What the plugin's constructor throws comes out as it is.</summary>
    public ComputeManager Create(ComputeHost host) => (ComputeManager)_constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, [host], null);

    /// <summary>For tests that prove that the plugin is collected.</summary>
    internal WeakReference Track() => new(_context);

    public void Dispose()
    {
        _context.Unload();
        ShadowCopies.Remove(_copy);
    }

    private static PluginLoadContext OpenContext(string name, string file)
    {
        try
        {
            return new PluginLoadContext(name, file);
        }
        catch (InvalidOperationException e)
        {
            throw new PluginRefusedException($"Its {name}.deps.json cannot be read, or names files that are not in its folder: {PluginRefusedException.Describe(e)}", e);
        }
    }

    private static void ThrowOnMissingReference(PluginLoadContext context, Assembly assembly)
    {
        foreach (var reference in assembly.GetReferencedAssemblies())
        {
            try
            {
                context.LoadFromAssemblyName(reference);
            }
            catch (Exception e) when (e is FileNotFoundException or FileLoadException or BadImageFormatException)
            {
                throw new PluginRefusedException(
                    $"It needs {reference.Name} {reference.Version}, which {(e is BadImageFormatException ? "is damaged" : "is neither in its folder nor shared by the program")}.", e);
            }
        }
    }

    private static ConstructorInfo FindConstructor(Assembly assembly)
    {
        var manager = assembly.GetCustomAttribute<ComputePluginAttribute>()?.Manager
            ?? throw new PluginRefusedException("Its [assembly: ComputePlugin] names no manager.");
        if (!manager.IsSubclassOf(typeof(ComputeManager)))
        {
            throw new PluginRefusedException($"Its manager {manager.FullName} does not derive from {typeof(ComputeManager).FullName}.");
        }

        if (manager.IsAbstract || manager.ContainsGenericParameters || !manager.IsVisible)
        {
            throw new PluginRefusedException($"Its manager {manager.FullName} must be a public class that is neither abstract nor generic.");
        }

        return manager.GetConstructor([typeof(ComputeHost)])
            ?? throw new PluginRefusedException($"Its manager {manager.FullName} has no public constructor that takes one {nameof(ComputeHost)}.");
    }

    private static void Initialize(Assembly assembly, Type manager)
    {
        try
        {
            RuntimeHelpers.RunModuleConstructor(assembly.ManifestModule.ModuleHandle);
            RuntimeHelpers.RunClassConstructor(manager.TypeHandle);
        }
        catch (Exception e)
        {
            throw new PluginRefusedException($"Its initializer failed: {PluginRefusedException.Describe(e)}", e);
        }
    }
}
