using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using NovaShim.Sdk;

namespace NovaShim.Compute.Plugins;

/// <summary>What a plugin's main assembly says of itself, read from its metadata: nothing of it is loaded or run for this.</summary>
/// <param name="Driver">The driver it exports; null when it has no <see cref="ComputePluginAttribute"/>.</param>
/// <param name="Version">Its informational version, or its assembly version.</param>
/// <param name="SdkVersion">The version of the Sdk it was built with; null when it does not reference it.</param>
internal sealed partial record PluginManifest(string? Driver, string Version, Version? SdkVersion)
{
    /// <summary>Reads the main assembly of a plugin. Throws <see cref="PluginRefusedException"/> when it is none.</summary>
    public static PluginManifest Read(string name, string assemblyFile)
    {
        try
        {
            using var file = File.OpenRead(assemblyFile);
            using var image = new PEReader(file);
            if (!image.HasMetadata)
            {
                throw new PluginRefusedException($"{name}.dll is not a .NET assembly.");
            }

            var metadata = image.GetMetadataReader();
            if (!metadata.IsAssembly)
            {
                throw new PluginRefusedException($"{name}.dll is not a .NET assembly.");
            }

            var definition = metadata.GetAssemblyDefinition();
            var assemblyName = metadata.GetString(definition.Name);
            if (!string.Equals(assemblyName, name, StringComparison.OrdinalIgnoreCase))
            {
                throw new PluginRefusedException($"{name}.dll holds the assembly {assemblyName}; the folder, the file and the assembly must have one name.");
            }

            return new PluginManifest(
                Attribute(metadata, definition, "NovaShim.Sdk", nameof(ComputePluginAttribute)),
                Attribute(metadata, definition, "System.Reflection", nameof(AssemblyInformationalVersionAttribute)) ?? definition.Version.ToString(),
                metadata.AssemblyReferences.Select(metadata.GetAssemblyReference).Where(r => metadata.StringComparer.Equals(r.Name, SdkCompatibility.SdkName)).Select(r => r.Version).FirstOrDefault());
        }
        catch (Exception e) when (e is BadImageFormatException or ArgumentException or InvalidOperationException or OverflowException)
        {
            // The metadata reader trusts what it reads; damaged bytes come out as any of these.
            throw new PluginRefusedException($"{name}.dll is damaged or not a .NET assembly: {PluginRefusedException.Describe(e)}", e);
        }
    }

    /// <summary>Throws <see cref="PluginRefusedException"/> unless this is a plugin that this program can run.</summary>
    public void ThrowUnlessUsable(string name)
    {
        if (SdkVersion is not null && SdkCompatibility.Refusal(SdkVersion) is { } refusal)
        {
            throw new PluginRefusedException(refusal);
        }

        if (Driver is null || SdkVersion is null)
        {
            throw new PluginRefusedException($"{name}.dll is no plugin: it has no [assembly: ComputePlugin(\"<driver>\", typeof(<manager>))].");
        }

        if (!DriverName().IsMatch(Driver))
        {
            throw new PluginRefusedException($"Its [assembly: ComputePlugin] names the driver \"{Driver}\"; a driver's name is 1 to 32 of a-z, 0-9, - and _, and starts with a letter.");
        }
    }

    /// <summary>The first argument, a string, of an attribute of the assembly; null when it has no such attribute.</summary>
    private static string? Attribute(MetadataReader metadata, AssemblyDefinition definition, string @namespace, string type)
    {
        foreach (var attribute in definition.GetCustomAttributes().Select(metadata.GetCustomAttribute))
        {
            if (attribute.Constructor.Kind == HandleKind.MemberReference
                && metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent is { Kind: HandleKind.TypeReference } parent
                && metadata.GetTypeReference((TypeReferenceHandle)parent) is var reference
                && metadata.StringComparer.Equals(reference.Name, type)
                && metadata.StringComparer.Equals(reference.Namespace, @namespace))
            {
                var value = metadata.GetBlobReader(attribute.Value);
                // ECMA-335 II.23.3: a prolog of two bytes, then the fixed arguments in order.
                return value.ReadUInt16() == 1 ? value.ReadSerializedString() : null;
            }
        }

        return null;
    }

    [GeneratedRegex("^[a-z][a-z0-9_-]{0,31}$")]
    private static partial Regex DriverName();
}
