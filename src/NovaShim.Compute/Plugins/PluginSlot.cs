namespace NovaShim.Compute.Plugins;

/// <summary>What the host keeps of one plugin folder between two looks.</summary>
internal sealed class PluginSlot(string name, string path)
{
    /// <summary>What people are told of it.</summary>
    public PluginStatus Status { get; set; } = new(name, path) { Message = "Waiting for its files to settle." };

    /// <summary>What lay in the folder at the last look; null before the first.</summary>
    public FolderContent? Content { get; set; }

    /// <summary>When the content was first seen as it is (a timestamp of the clock).</summary>
    public long ContentSince { get; set; }

    /// <summary>The content that was loaded or refused; null before.</summary>
    public FolderContent? Tried { get; set; }

    /// <summary>The load that runs; null when none does.</summary>
    public Task<LoadedPlugin>? Loading { get; set; }

    /// <summary>The driver that another plugin exports, for which this one was refused; null when that is not so.</summary>
    public string? WaitsFor { get; set; }
}
