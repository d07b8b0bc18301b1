namespace NovaShim.XenServerSimulator.Storage;

/// <summary>One step that makes the tree of VHDs smaller.</summary>
internal abstract record Reduction
{
    /// <summary>A base copy nobody stands on goes.</summary>
    internal sealed record Collect(VhdNode Garbage) : Reduction;

    /// <summary>A base copy that is its parent's only child is merged into it; its children move to the parent.</summary>
    internal sealed record Coalesce(VhdNode Node, VhdNode Parent) : Reduction;

    /// <summary>A visible leaf that is its parent's only child is merged into it; the parent takes its name.</summary>
    internal sealed record LeafCoalesce(VhdNode Leaf, VhdNode Parent) : Reduction;

    /// <summary>What is due next, in the storage manager's order: garbage, then base copies (tallest tree first), then leaves.</summary>
    /// <param name="tree">All chains of it whole.</param>
    /// <param name="options">What is switched on.</param>
    /// <param name="inUse">Whether a VDI is attached.</param>
    /// <param name="failed">Steps on these nodes failed in this run (a full disk, say) and are left for the next one.</param>
    public static Reduction? Next(VhdTree tree, StorageOptions options, Func<string, bool> inUse, IReadOnlySet<string> failed)
    {
        VhdNode[] candidates = [.. tree.Nodes.Where(node => !failed.Contains(node.Uuid))];
        VhdNode? garbage = candidates.FirstOrDefault(node => node.Facts.Hidden && node.Children.Count == 0 && !inUse(node.Uuid));
        if (garbage is not null)
        {
            return new Collect(garbage);
        }

        // Nothing is merged into what a guest or an export has open under its own name.
        VhdNode[] onlyChildren = [.. candidates.Where(node => node.Parent is { Children.Count: 1 } parent && !inUse(parent.Uuid))];
        VhdNode? node = options.Coalesce
            ? onlyChildren.Where(node => node.Facts.Hidden && node.Children.Count > 0).OrderByDescending(node => node.Root.Height).ThenBy(node => node.Depth).FirstOrDefault()
            : null;
        if (node is not null)
        {
            return new Coalesce(node, node.Parent!);
        }

        VhdNode? leaf = options.LeafCoalesce
            ? onlyChildren.FirstOrDefault(node =>
                !node.Facts.Hidden && node.Children.Count == 0 && node.Parent!.Facts.Hidden && node.Facts.PhysicalUtilisation <= options.LeafCoalesceLimit)
            : null;
        return leaf is null ? null : new LeafCoalesce(leaf, leaf.Parent!);
    }
}
