using NovaShim.Sdk;

namespace NovaShim.Compute.Plugins;

/// <summary>Which plugins fit this program: built with an Sdk of the same major version, whose minor version is not newer than the program's.</summary>
internal static class SdkCompatibility
{
    /// <summary>The simple name of the contract's assembly.</summary>
    public static string SdkName { get; } = typeof(ComputeManager).Assembly.GetName().Name!;

    /// <summary>The version of the contract that this program speaks.</summary>
    public static Version Program { get; } = typeof(ComputeManager).Assembly.GetName().Version!;

    /// <summary>Why a plugin built with a version does not fit, or null when it does.</summary>
    public static string? Refusal(Version built)
    {
        if (built.Major == Program.Major && built.Minor <= Program.Minor)
        {
            return null;
        }

        var newer = built.Major > Program.Major || built.Major == Program.Major;
        return $"It is too {(newer ? "new" : "old")}: built with {SdkName} {built.ToString(2)}, this program has {Program.ToString(2)}; "
            + (newer ? "build it with that version or bring the program up to date." : "build it again with that version.");
    }
}
