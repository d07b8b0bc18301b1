using System.Text.Json;
using System.Text.Json.Serialization;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Storage;

/// <summary>
/// What is about to be done to several files at once, written down before it begins: the process may be killed between any two steps, and the next one to
/// open the directory completes or undoes it. Settling twice does no harm.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "doing")]
[JsonDerivedType(typeof(SnapshotIntent), "snapshot")]
[JsonDerivedType(typeof(CoalesceIntent), "coalesce")]
[JsonDerivedType(typeof(LeafCoalesceIntent), "leaf-coalesce")]
internal abstract record StorageIntent
{
    /// <summary>Completes or undoes it.</summary>
    public abstract void Settle(string directory, Action<string>? betweenSteps);

    public static bool IsPending(string directory) => File.Exists(FileIn(directory));

    /// <summary>What was interrupted, null for nothing.</summary>
    public static StorageIntent? Pending(string directory) =>
        IsPending(directory) ? JsonSerializer.Deserialize(File.ReadAllBytes(FileIn(directory)), StorageIntentJson.Default.StorageIntent) : null;

    public void Write(string directory)
    {
        string part = FileIn(directory) + ".new";
        using (FileStream file = File.Create(part))
        {
            JsonSerializer.Serialize(file, this, StorageIntentJson.Default.StorageIntent);
            file.Flush(flushToDisk: true);
        }

        File.Move(part, FileIn(directory), overwrite: true);
    }

    public static void Clear(string directory) => File.Delete(FileIn(directory));

    public static string VhdIn(string directory, string uuid) => Path.Combine(directory, uuid + ".vhd");

    private static string FileIn(string directory) => Path.Combine(directory, "intent.json");
}

/// <summary>The leaf becomes the base, leaf and snapshot new children of it. Undone when it was interrupted: nobody was told of it yet.</summary>
internal sealed record SnapshotIntent(string Leaf, string Base, string Snapshot) : StorageIntent
{
    public override void Settle(string directory, Action<string>? betweenSteps)
    {
        string leaf = VhdIn(directory, Leaf), baseCopy = VhdIn(directory, Base), snapshot = VhdIn(directory, Snapshot);
        File.Delete(leaf + ".new");
        File.Delete(snapshot + ".new");
        File.Delete(snapshot);
        betweenSteps?.Invoke("snapshot gone");
        if (File.Exists(baseCopy))
        {
            Guid leafUuid, baseUuid;
            using (VhdFile open = VhdFile.Open(leaf))
            {
                leafUuid = open.Uuid;
            }

            using (VhdFile open = VhdFile.Open(baseCopy, VhdAccess.ReadWrite))
            {
                baseUuid = open.Uuid;
                if (open.Hidden)
                {
                    open.SetHidden(false);
                }
            }

            betweenSteps?.Invoke("base visible");
            if (leafUuid == baseUuid)
            {
                // Two names of one file, which a rename would leave both standing.
                File.Delete(baseCopy);
            }
            else
            {
                File.Move(baseCopy, leaf, overwrite: true);
            }
        }

        betweenSteps?.Invoke("leaf is itself again");
    }
}

/// <summary>The node's data is in its parent: its children move there and it goes.</summary>
internal sealed record CoalesceIntent(string Node, string Parent, IReadOnlyList<string> Children) : StorageIntent
{
    public override void Settle(string directory, Action<string>? betweenSteps)
    {
        foreach (string uuid in Children)
        {
            string path = VhdIn(directory, uuid);
            if (!File.Exists(path))
            {
                continue;
            }

            using (VhdFile child = VhdFile.Open(path, VhdAccess.ReadWrite))
            {
                child.SetParent(VhdIn(directory, Parent));
                child.Flush();
            }

            betweenSteps?.Invoke("child relinked");
        }

        File.Delete(VhdIn(directory, Node));
        betweenSteps?.Invoke("node gone");
    }
}

/// <summary>The leaf's data is in its parent: the parent takes the leaf's name.</summary>
internal sealed record LeafCoalesceIntent(string Leaf, string Parent) : StorageIntent
{
    public override void Settle(string directory, Action<string>? betweenSteps)
    {
        string parent = VhdIn(directory, Parent);
        if (!File.Exists(parent))
        {
            return;
        }

        // Visible before it has the name: hidden and without children it would be garbage.
        using (VhdFile open = VhdFile.Open(parent, VhdAccess.ReadWrite))
        {
            open.SetHidden(false);
            open.Flush();
        }

        betweenSteps?.Invoke("parent visible");
        File.Move(parent, VhdIn(directory, Leaf), overwrite: true);
        betweenSteps?.Invoke("parent has the leaf's name");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StorageIntent))]
internal sealed partial class StorageIntentJson : JsonSerializerContext;
