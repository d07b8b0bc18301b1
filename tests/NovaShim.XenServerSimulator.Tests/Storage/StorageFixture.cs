using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using NovaShim.Vhd;
using NovaShim.XenServerSimulator.Guests;
using NovaShim.XenServerSimulator.Guests.Journal;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Tests.Storage;

/// <summary>A repository in a temporary folder and what it told of itself.</summary>
internal sealed class StorageFixture : IAsyncDisposable
{
    /// <summary>So long that a garbage collection never comes by itself.</summary>
    public static readonly TimeSpan Never = TimeSpan.FromDays(1);

    private readonly HostFolder _folder = new();

    private StorageFixture(StorageOptions options) => Options = options;

    public StorageOptions Options { get; private set; }

    public StorageRepository Repository { get; private set; } = null!;

    public ConcurrentQueue<StorageChange> Changes { get; } = new();

    public string Directory => _folder["sr"];

    public static async Task<StorageFixture> OpenAsync(TimeSpan coalesceDelay, Func<StorageOptions, StorageOptions>? with = null)
    {
        StorageOptions options = new() { CoalesceDelay = coalesceDelay };
        StorageFixture fixture = new(with?.Invoke(options) ?? options);
        await fixture.OpenAgainAsync();
        return fixture;
    }

    public static string NewUuid() => Guid.NewGuid().ToString();

    public string PathOf(string uuid) => Path.Combine(Directory, uuid + ".vhd");

    /// <summary>The uuids of all files there are.</summary>
    public string[] Files() => [.. System.IO.Directory.GetFiles(Directory, "*.vhd").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    /// <summary>Ends the repository, if there is one, and opens another on the same directory.</summary>
    public async Task OpenAgainAsync(Func<StorageOptions, StorageOptions>? with = null)
    {
        if (Repository is not null)
        {
            await Repository.DisposeAsync();
        }

        Options = with?.Invoke(Options) ?? Options;
        Repository = await OpenAsync(Directory, Options);
        Repository.Changed += Changes.Enqueue;
    }

    public static Task<StorageRepository> OpenAsync(string directory, StorageOptions options) =>
        StorageRepository.OpenAsync(directory, options, TimeProvider.System, NullLogger.Instance, CancellationToken.None);

    public async Task<string> CreateAsync(long size = 16 << 20)
    {
        string uuid = NewUuid();
        await Repository.CreateAsync(uuid, size, CancellationToken.None);
        return uuid;
    }

    /// <summary>Fills a stretch of a detached disk with one byte.</summary>
    public async Task WriteAsync(string uuid, long offset, int length, byte value)
    {
        await using Disk disk = await Repository.AttachAsync(uuid, readOnly: false, CancellationToken.None);
        await disk.WriteAsync(offset, Enumerable.Repeat(value, length).ToArray(), CancellationToken.None);
    }

    /// <summary>Hash of a whole disk, read through its chain.</summary>
    public string ContentOf(string uuid) => ContentAt(PathOf(uuid));

    public static string ContentAt(string path)
    {
        using VhdStream stream = VhdStream.Open(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    public Task<SnapshotFacts> SnapshotAsync(string uuid) => Repository.SnapshotAsync(uuid, CancellationToken.None);

    public async Task<VhdFacts> FactsAsync(string uuid) =>
        await Repository.FindAsync(uuid, CancellationToken.None) ?? throw new InvalidOperationException($"no {uuid}");

    /// <summary>Puts an image made for guests into the repository.</summary>
    public async Task<string> ImageAsync(long size = 64 << 20, long content = 4 << 20, long? journal = null)
    {
        string uuid = NewUuid();
        await ImageCommand.MakeAsync(PathOf(uuid), size, content, journal, 7, CancellationToken.None);
        return uuid;
    }

    public static Guest Boot(Disk disk, long bytesPerSecond) =>
        Guest.Boot(NewUuid(), disk, new GuestOptions { BytesPerSecond = bytesPerSecond }, TimeProvider.System, NullLogger.Instance);

    public async ValueTask DisposeAsync()
    {
        await Repository.DisposeAsync();
        _folder.Dispose();
    }
}
