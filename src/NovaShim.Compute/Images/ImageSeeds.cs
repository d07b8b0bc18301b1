using Microsoft.Extensions.Configuration;
using NovaShim.Compute.Documents;

namespace NovaShim.Compute.Images;

/// <summary>The images of the configuration: id, name, path and disk_format of each, in section <c>images</c> as a list, or in its <c>list</c> where the section has settings too.</summary>
public static class ImageSeeds
{
    /// <summary>Inserts the images that are not there yet and brings the others' location and size up to date. Throws with the entry's place when one is wrong or its file is missing.</summary>
    public static async Task PlantAsync(IDocumentStore store, IConfiguration configuration, CancellationToken cancellation)
    {
        var images = store.Collection<ImageDocument>();
        foreach (var entry in Entries(configuration))
        {
            var image = Read(entry);
            if (await images.UpdateAsync(image.Key, i => i.Location == image.Location && i.Size == image.Size ? null : i with { Location = image.Location, Size = image.Size }, cancellation) is null
                && await images.GetAsync(image.Key, cancellation) is null)
            {
                try
                {
                    await images.InsertAsync(image, cancellation);
                }
                catch (DuplicateKeyException)
                {
                    // Another process plants the same.
                }
            }
        }
    }

    private static IEnumerable<IConfigurationSection> Entries(IConfiguration configuration) =>
        configuration.GetSection("images").GetChildren().Where(c => int.TryParse(c.Key, out _)).Concat(configuration.GetSection("images:list").GetChildren());

    private static ImageDocument Read(IConfigurationSection entry)
    {
        if (!Guid.TryParse(entry["id"], out var id))
        {
            throw new InvalidOperationException($"{entry.Path}: an image needs an id that is a UUID.");
        }

        if (entry["name"] is not { Length: > 0 } name || entry["path"] is not { Length: > 0 } path)
        {
            throw new InvalidOperationException($"{entry.Path}: an image needs a name and a path.");
        }

        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new InvalidOperationException($"{entry.Path}: there is no file {path}.");
        }

        var format = entry["disk_format"] ?? "vhd";
        if (format is not ("vhd" or "raw"))
        {
            throw new InvalidOperationException($"{entry.Path}: disk_format is vhd or raw, not '{format}'.");
        }

        return new ImageDocument { Key = id.ToString(), Uuid = id.ToString(), Name = name, DiskFormat = format, Size = file.Length, Location = file.FullName, Visibility = ImageVisibilities.Public };
    }
}
