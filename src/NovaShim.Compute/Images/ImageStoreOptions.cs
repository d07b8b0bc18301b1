namespace NovaShim.Compute.Images;

/// <summary>Where the bytes of images are kept that were uploaded or made of servers: <c>images:path</c> and <c>images:max_bytes</c> of the configuration.</summary>
public sealed record ImageStoreOptions
{
    /// <summary>The folder, made when it is first needed. Processes on several machines share it, be it at different places.</summary>
    public string Path { get; init; } = System.IO.Path.Combine("novashim-data", "images");

    /// <summary>The most bytes an image may have; Glance's <c>image_size_cap</c>.</summary>
    public long MaxBytes { get; init; } = 1L << 40;
}
