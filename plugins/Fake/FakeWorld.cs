using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using NovaShim.Sdk;

namespace NovaShim.Fake;

/// <summary>
/// A world of hosts. All hosts of a process that name the same world share one, and with a state file all processes do. It changes in whole steps, one at a time; a process that dies leaves the
/// world before a change or after it.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A world lives as long as its plugin, and a semaphore whose wait handle is never asked for holds nothing.")]
internal sealed class FakeWorld
{
    private static readonly ConcurrentDictionary<string, FakeWorld> _worlds = new(StringComparer.Ordinal);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly string? _file;
    private readonly WorldState _memory = new();

    private FakeWorld(string? file) => _file = file;

    /// <summary>The world of a state file, or else the one of that name in this process.</summary>
    public static FakeWorld Of(FakeSettings settings) =>
        settings.StateFile is { } file ? _worlds.GetOrAdd("file:" + file, _ => new FakeWorld(file)) : _worlds.GetOrAdd("name:" + settings.World, _ => new FakeWorld(null));

    /// <summary>Looks at the world, or changes it. <paramref name="change"/> checks all before it touches anything: what throws has changed nothing, but for a violation that it records.</summary>
    public async Task<T> ChangeAsync<T>(Func<WorldState, T> change, TimeProvider time, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            if (_file is null)
            {
                return change(_memory);
            }

            await using var others = await LockAsync(time, cancellation);
            var before = File.Exists(_file) ? await File.ReadAllBytesAsync(_file, cancellation) : [];
            var state = Parse(before);
            try
            {
                return change(state);
            }
            finally
            {
                // Also when it threw, for the violation.
                var after = JsonSerializer.SerializeToUtf8Bytes(state, FakeJson.Default.WorldState);
                if (!after.AsSpan().SequenceEqual(before))
                {
                    Write(_file, after);
                }
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private WorldState Parse(byte[] content)
    {
        try
        {
            return content.Length == 0 ? new WorldState() : JsonSerializer.Deserialize(content, FakeJson.Default.WorldState)!;
        }
        catch (JsonException e)
        {
            throw new StepFailedException($"The state file {_file} is damaged: {e.Message}", inner: e);
        }
    }

    /// <summary>Keeps other processes out; the system ends the lock when its process dies.</summary>
    private async Task<FileStream> LockAsync(TimeProvider time, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file!)!);
        var begun = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(_file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (time.GetElapsedTime(begun) < _patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), time, cancellation);
            }
        }
    }

    private static void Write(string file, byte[] content)
    {
        var draft = file + ".new";
        using (var stream = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, file, overwrite: true);
    }
}
