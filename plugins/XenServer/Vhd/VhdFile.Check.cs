namespace NovaShim.Vhd;

public sealed partial class VhdFile
{
    /// <summary>What is wrong with the batmap in the file, in a few words; empty when nothing is, or when the image has none.</summary>
    internal string BatmapProblem()
    {
        if (!Footer.HasBatmap)
        {
            return "";
        }

        if (_batmap is null)
        {
            return "batmap: blocks or locators lie over it";
        }

        VhdBatmap.TryRead(_medium, _batmap.Offset, _medium.Length, out var problem);
        return problem;
    }

    /// <summary>Blocks the batmap calls full though their sector bitmap, or the table, says otherwise.</summary>
    internal IEnumerable<int> BlocksFullOnlyInBatmap()
    {
        var sectors = BlockSize / VhdLayout.Sector;
        for (var block = 0; block < _bat.Length; block++)
        {
            if (_batmap?.IsFull(block) == true && (_bat[block] == VhdLayout.Unallocated ||
                SectorBits.EndOfRun(Bitmap(block), 0, sectors, out var present) < sectors || !present))
            {
                yield return block;
            }
        }
    }
}
