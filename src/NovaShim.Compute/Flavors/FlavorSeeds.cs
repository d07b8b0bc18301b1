using System.Globalization;
using Microsoft.Extensions.Configuration;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Flavors;

/// <summary>The flavors of a new cloud: those of the configuration's section <c>flavors</c>, or Nova's five.</summary>
public static class FlavorSeeds
{
    // Nova's seeds, with the one gigabyte of root disk that m1.tiny has had since 2012.
    private static readonly (string Name, int MemoryMb, int RootGb, int Vcpus)[] Nova =
        [("m1.tiny", 512, 1, 1), ("m1.small", 2048, 20, 1), ("m1.medium", 4096, 40, 2), ("m1.large", 8192, 80, 4), ("m1.xlarge", 16384, 160, 8)];

    /// <summary>Inserts the flavors that have never been there, by their flavor id; what is there is left as it is, and what was removed is not brought back.</summary>
    public static async Task PlantAsync(IDocumentStore store, IConfiguration configuration, CancellationToken cancellation)
    {
        var flavors = store.Collection<FlavorDocument>();
        foreach (var flavor in Read(configuration))
        {
            var flavorId = flavor.FlavorId;
            if (await flavors.FirstOrDefaultAsync(f => f.FlavorId == flavorId, cancellation) is not null)
            {
                continue;
            }

            try
            {
                await flavors.InsertAsync(flavor with { Id = await store.NextIdAsync<FlavorDocument>(cancellation) }, cancellation);
            }
            catch (DuplicateKeyException)
            {
                // Another process plants the same.
            }
        }
    }

    private static IEnumerable<FlavorDocument> Read(IConfiguration configuration)
    {
        var entries = configuration.GetSection("flavors").GetChildren().ToList();
        return entries.Count == 0
            ? Nova.Select((f, n) => Flavor((n + 1).ToString(CultureInfo.InvariantCulture), f.Name, f.MemoryMb, f.Vcpus, f.RootGb))
            : entries.Select(e => Flavor(Text(e, "id"), Text(e, "name"), Number(e, "ram"), Number(e, "vcpus"), Number(e, "disk")));
    }

    private static FlavorDocument Flavor(string flavorId, string name, int memoryMb, int vcpus, int rootGb) =>
        new() { Key = flavorId, Id = 0, FlavorId = flavorId, Name = name, MemoryMb = memoryMb, Vcpus = vcpus, RootGb = rootGb };

    private static string Text(IConfigurationSection entry, string key) => entry[key] is { Length: > 0 } text ? text : throw new InvalidOperationException($"{entry.Path}: a flavor needs '{key}'.");

    private static int Number(IConfigurationSection entry, string key) =>
        int.TryParse(entry[key], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new InvalidOperationException($"{entry.Path}: a flavor needs '{key}', a whole number.");
}
