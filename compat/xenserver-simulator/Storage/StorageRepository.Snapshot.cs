using System.Runtime.InteropServices;
using NovaShim.Vhd;

namespace NovaShim.XenServerSimulator.Storage;

internal sealed partial class StorageRepository
{
    /// <summary>
    /// R ← u becomes R ← B ← {u, S}: the file gets the second name B, a new u is renamed over the first, S is made beside it, and only then is B hidden:
    /// hidden any earlier, B and u would be one hidden file that nobody stands on.
    /// </summary>
    private SnapshotFacts Snapshot(string uuid)
    {
        string snapshot = Guid.NewGuid().ToString(), baseCopy = Guid.NewGuid().ToString();
        VhdFacts before;
        using (VhdFile leaf = VhdFile.Open(PathOf(uuid)))
        {
            before = VhdTree.FactsOf(leaf);
            if (leaf is { Type: VhdType.Differencing, AllocatedBlocks: 0 })
            {
                // It says nothing of its own: the snapshot stands on its parent, as it does itself.
                using VhdFile parent = leaf.OpenParent();
                VhdFile.CreateDifferencing(PathOf(snapshot), parent.Path, leaf.VirtualSize, NewFile).Dispose();
                return new SnapshotFacts(snapshot, null, before.ParentUuid, before);
            }
        }

        SnapshotIntent intent = new(uuid, baseCopy, snapshot);
        intent.Write(Directory);
        try
        {
            Step("snapshot intended");
            HardLink(PathOf(uuid), PathOf(baseCopy));
            Step("base has its name");
            VhdFile.CreateDifferencing(PathOf(uuid), PathOf(baseCopy), options: NewFile with { Overwrite = true }).Dispose();
            Step("leaf made anew");
            VhdFile.CreateDifferencing(PathOf(snapshot), PathOf(baseCopy), options: NewFile).Dispose();
            Step("snapshot made");
            using (VhdFile open = VhdFile.Open(PathOf(baseCopy), VhdAccess.ReadWrite))
            {
                open.SetHidden(true);
                open.Flush();
            }

            Step("base hidden");
        }
        catch
        {
            intent.Settle(Directory, _options.BetweenSteps);
            StorageIntent.Clear(Directory);
            throw;
        }

        StorageIntent.Clear(Directory);
        using VhdFile made = VhdFile.Open(PathOf(uuid));
        return new SnapshotFacts(snapshot, baseCopy, before.ParentUuid, VhdTree.FactsOf(made));
    }

    private void Step(string name) => _options.BetweenSteps?.Invoke(name);

    private static void HardLink(string from, string to)
    {
        if (NativeLink(from, to) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new IOException($"{to} could not become a second name of {from}: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }
    }

    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeLink([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);
}
