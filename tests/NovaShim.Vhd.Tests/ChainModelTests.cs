using CsCheck;

namespace NovaShim.Vhd.Tests;

/// <summary>Random histories of a disk against a byte array that remembers what it should hold.</summary>
public sealed class ChainModelTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public void Any_history_of_writes_and_snapshots_reads_back()
    {
        Gen.Int[0, 1_000_000].Array[1, 25].Sample(steps =>
        {
            using var folder = new TempFolder();
            var model = new byte[10 * MiB];
            var leaf = folder["0.vhd"];
            VhdFile.CreateDynamic(leaf, model.Length).Dispose();
            for (var i = 0; i < steps.Length; i++)
            {
                var random = new Random(steps[i]);
                if (random.Next(5) == 0)
                {
                    var child = folder[$"{i + 1}.vhd"];
                    VhdFile.CreateDifferencing(child, leaf).Dispose();
                    leaf = child;
                }

                var offset = random.Next(model.Length);
                var data = new byte[Math.Min(random.Next(1, random.Next(2) == 0 ? 3000 : 3 * MiB), model.Length - offset)];
                random.NextBytes(data);
                using var chain = VhdChain.Open(leaf, random.Next(2) == 0 ? VhdAccess.ReadWrite : VhdAccess.Attached);
                chain.Write(offset, data);
                data.CopyTo(model, offset);
            }

            using (var chain = VhdChain.Open(leaf))
            {
                var read = new byte[model.Length];
                chain.Read(0, read);
                Assert.True(read.AsSpan().SequenceEqual(model));
            }
        }, iter: 60);
    }
}
