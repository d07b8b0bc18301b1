using System.Globalization;
using System.Text;
using NovaShim.Sdk;

namespace NovaShim.Fake;

/// <summary>
/// What an image means to a fake disk. One that was made by a snapshot here is text: a first line that says so and how large the disk was, then the disk's journal. Any other is bytes that no fake guest cares for.
/// </summary>
/// <param name="Size">Size of the disk in bytes.</param>
/// <param name="Journal">What guests have written to it.</param>
internal sealed record FakeImage(long Size, IReadOnlyList<string> Journal)
{
    private const string Signature = "novashim fake disk of ";

    public static async Task<FakeImage> ReadAsync(Image image, CancellationToken cancellation)
    {
        await using var stream = await image.OpenRead(cancellation);
        var start = new byte[Signature.Length];
        if (await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellation) < start.Length || Encoding.ASCII.GetString(start) != Signature)
        {
            return new FakeImage(image.Size, []);
        }

        using var reader = new StreamReader(stream, Encoding.UTF8);
        if (!long.TryParse(await reader.ReadLineAsync(cancellation), NumberStyles.None, CultureInfo.InvariantCulture, out var size))
        {
            throw new StepFailedException($"Image {image.Id} is damaged: it does not say how large its disk was.", StepRecovery.Unwind);
        }

        var journal = new List<string>();
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            journal.Add(line);
        }

        return new FakeImage(size, journal);
    }

    public async Task WriteAsync(Stream stream, CancellationToken cancellation)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{Signature}{Size}\n") + string.Concat(Journal.Select(line => line + "\n"));
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellation);
    }
}
