using System.Text.Json;
using System.Text.Json.Serialization;

namespace NovaShim.XenServerSimulator.Dom0.Network;

/// <summary>How well a host's network works.</summary>
internal enum NetworkCondition
{
    /// <summary>Nothing is held back.</summary>
    Whole,

    /// <summary>Connections are dropped and new ones refused.</summary>
    Cut,

    /// <summary>Each direction carries so many bytes a second, all connections together.</summary>
    Slow,

    /// <summary>One bit of each so many bytes arrives as another.</summary>
    Noisy,
}

/// <summary>What <c>network.json</c> in a host's folder says; the file outlives the process, as a pulled cable outlives a reboot.</summary>
/// <param name="Condition">How well it works.</param>
/// <param name="BytesPerSecond">For <see cref="NetworkCondition.Slow"/>, at least 1.</param>
/// <param name="All">Whether management connections suffer too, not only those between hosts.</param>
/// <param name="BytesPerError">For <see cref="NetworkCondition.Noisy"/>, at least 1.</param>
internal sealed record NetworkState(NetworkCondition Condition, long BytesPerSecond, bool All, long BytesPerError = 0)
{
    public static NetworkState Whole { get; } = new(NetworkCondition.Whole, 0, false);

    /// <summary>The state of the host in that folder; a missing or unreadable file is a whole network.</summary>
    public static NetworkState Read(string root)
    {
        try
        {
            NetworkState? state = JsonSerializer.Deserialize(File.ReadAllBytes(FileOf(root)), NetworkStateJson.Default.NetworkState);
            return state is null or { Condition: NetworkCondition.Slow, BytesPerSecond: < 1 } or { Condition: NetworkCondition.Noisy, BytesPerError: < 1 } ? Whole : state;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return Whole;
        }
    }

    /// <summary>Replaces the file in one step, so that a reader never sees half of it.</summary>
    public async Task WriteAsync(string root, CancellationToken ct)
    {
        string file = FileOf(root), part = file + ".new";
        await File.WriteAllBytesAsync(part, JsonSerializer.SerializeToUtf8Bytes(this, NetworkStateJson.Default.NetworkState), ct);
        File.Move(part, file, overwrite: true);
    }

    private static string FileOf(string root) => Path.Combine(root, "network.json");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(NetworkState))]
internal sealed partial class NetworkStateJson : JsonSerializerContext;
