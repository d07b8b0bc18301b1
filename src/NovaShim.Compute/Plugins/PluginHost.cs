using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NovaShim.Sdk;

namespace NovaShim.Compute.Plugins;

/// <summary>
/// Loads virt plugins from a folder while the program runs: <c>folder/name/name.dll</c> with its dependencies beside it. A plugin is loaded once its files have settled, from a private copy, in a load
/// context of its own; one that cannot be used is refused in one line and harms nothing. A refused folder is tried again when its files change.
/// </summary>
/// <remarks>
/// One loop looks at the folder and is the only one to change what is kept; a plugin's own code runs beside it, so that one that never comes back does not hold up the others.
/// What cannot be contained: a plugin that ends the process on purpose, overflows the stack or throws on a thread of its own.
/// </remarks>
public sealed partial class PluginHost : IComputeManagers, IHostedService, IAsyncDisposable
{
    /// <summary>Changes come in flocks; a look waits this long for the rest of the flock.</summary>
    private static readonly TimeSpan _flock = TimeSpan.FromMilliseconds(50);

    private readonly PluginOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly string _folder;
    private readonly SortedDictionary<string, PluginSlot> _slots = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, LoadedPlugin> _drivers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _claims = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IReadOnlyList<PluginStatus> _plugins = [];
    private ShadowCopies? _copies;
    private FileSystemWatcher? _watcher;
    private Task _loop = Task.CompletedTask;
    private bool _disposed;

    /// <summary>A host that is not started yet.</summary>
    public PluginHost(PluginOptions options, TimeProvider time, ILogger<PluginHost> log)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.PollSeconds, "plugins:poll_seconds");
        (_options, _time, _log, _folder) = (options, time, log, Path.GetFullPath(options.Path));
    }

    /// <summary>Happens after <see cref="Plugins"/> has changed. Handlers are quick; what they throw is logged.</summary>
    public event EventHandler? Changed;

    /// <summary>All plugin folders in the order of their names, as of the last look.</summary>
    public IReadOnlyList<PluginStatus> Plugins => _plugins;

    /// <summary>Whether a plugin that exports the driver is loaded.</summary>
    public bool IsAvailable(string driver) => _drivers.ContainsKey(driver);

    /// <summary>Returns as soon as a plugin that exports the driver is loaded.</summary>
    public async Task WaitForDriverAsync(string driver, CancellationToken cancellation)
    {
        while (true)
        {
            var changed = _changed.Task;
            if (IsAvailable(driver))
            {
                return;
            }

            await changed.WaitAsync(cancellation);
        }
    }

    /// <summary>
    /// Makes a compute manager for a host; the caller disposes it. Throws <see cref="PluginException"/> when no plugin exports the driver, or when the plugin's constructor failed.
    /// </summary>
    public ComputeManager Create(string driver, ComputeHost host)
    {
        if (!_drivers.TryGetValue(driver, out var plugin))
        {
            var refused = _plugins.Where(p => p.State == PluginState.Refused).Select(p => $"{p.Name} was refused: {p.Message}");
            throw new PluginException(string.Join(' ', refused.Prepend(
                $"No plugin exports the driver \"{driver}\" that host {host.Name} asks for; available: {(_drivers.IsEmpty ? "none" : string.Join(", ", _drivers.Keys.Order(StringComparer.Ordinal)))}.")));
        }

        try
        {
            return plugin.Create(host);
        }
        catch (Exception e)
        {
            // The constructor is the plugin's code and may throw anything.
            throw new PluginException($"Driver \"{driver}\" could not be set up for host {host.Name}: {PluginRefusedException.Describe(e)}", e);
        }
    }

    /// <summary>Starts watching the folder.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        ShadowCopies.RemoveAbandoned();
        _copies = new ShadowCopies();
        LogWatching(_folder);
        _loop = Task.Run(LoopAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Stops watching. What is loaded stays loaded until the host is disposed.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _loop.WaitAsync(cancellationToken);
    }

    /// <summary>Stops watching and lets go of all plugins. Their compute managers must have been disposed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await StopAsync(CancellationToken.None);
        foreach (var plugin in _drivers.Values)
        {
            plugin.Dispose();
        }

        _drivers.Clear();
        _slots.Clear();
        _watcher?.Dispose();
        _copies?.Dispose();
        _stopping.Dispose();
        _wake.Dispose();
    }

    /// <summary>For tests that prove that a plugin is collected.</summary>
    internal WeakReference Track(string driver) => _drivers[driver].Track();

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                var settling = false;
                try
                {
                    settling = Look();
                }
                catch (Exception e)
                {
                    // The folder may do anything at any moment (vanish, be unmounted); the next look sees what has become of it.
                    LogLookFailed(_folder, e);
                }

                Publish();
                await WaitAsync(settling ? _options.Settle : _options.Poll);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    /// <summary>Waits for a change, but not longer than this.</summary>
    private async Task WaitAsync(TimeSpan longest)
    {
        using var timer = new CancellationTokenSource(longest, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _stopping.Token);
        try
        {
            await _wake.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            return;
        }

        await Task.Delay(_flock, _time, _stopping.Token);
    }

    /// <summary>Compares the folder with what is kept, and starts or finishes loads. Returns whether something is settling and should be looked at soon.</summary>
    private bool Look()
    {
        var folders = Directory.Exists(_folder) ? Directory.GetDirectories(_folder) : [];
        Watch();
        foreach (var folder in folders.Where(f => !Path.GetFileName(f).StartsWith('.')).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(folder);
            if (!_slots.TryGetValue(name, out var slot))
            {
                _slots[name] = slot = new PluginSlot(name, folder);
            }

            LookAt(slot);
        }

        foreach (var (name, slot) in _slots.Where(s => !folders.Contains(s.Value.Status.Path)).ToList())
        {
            if (slot.Loading is not null)
            {
                FinishLoad(slot);
            }
            else if (slot.Status.State == PluginState.Loaded)
            {
                slot.Status = slot.Status with { Message = "Its folder is gone; it stays loaded until the program ends." };
            }
            else
            {
                _slots.Remove(name);
            }
        }

        return _slots.Values.Any(s => s.Loading is null && s.Status.State == PluginState.Loading);
    }

    private void LookAt(PluginSlot slot)
    {
        if (slot.Loading is not null)
        {
            FinishLoad(slot);
            return;
        }

        var content = FolderContent.Read(slot.Status.Path);
        if (!content.Equals(slot.Content))
        {
            (slot.Content, slot.ContentSince) = (content, _time.GetTimestamp());
        }

        var changed = !content.Equals(slot.Tried);
        if (slot.Status.State == PluginState.Loaded)
        {
            slot.Status = slot.Status with { Message = changed ? "Its files have changed since it was loaded; the change counts from the next start of the program." : "" };
        }
        else if (changed)
        {
            slot.Status = new PluginStatus(slot.Status.Name, slot.Status.Path)
            {
                Message = content.Unreadable is { } reason ? $"Waiting for its folder to be readable: {reason}" : "Waiting for its files to settle.",
            };
            if (content.Unreadable is null && _time.GetElapsedTime(slot.ContentSince) >= _options.Settle)
            {
                StartLoad(slot, content);
            }
        }
        else if (slot.WaitsFor is { } driver && !_claims.ContainsKey(driver))
        {
            StartLoad(slot, content);
        }
    }

    /// <summary>Reads what the plugin says of itself, takes its driver's name and has it loaded beside the loop.</summary>
    private void StartLoad(PluginSlot slot, FolderContent content)
    {
        var (name, path) = (slot.Status.Name, slot.Status.Path);
        (slot.Tried, slot.WaitsFor) = (content, null);
        try
        {
            var manifest = PluginManifest.Read(name, FindMainAssembly(name, path, content));
            slot.Status = slot.Status with { Driver = manifest.Driver, Version = manifest.Version, SdkVersion = manifest.SdkVersion?.ToString(), Message = "" };
            manifest.ThrowUnlessUsable(name);
            var driver = manifest.Driver!;
            if (_claims.TryGetValue(driver, out var other))
            {
                slot.WaitsFor = driver;
                throw new PluginRefusedException($"The driver \"{driver}\" is exported by the plugin {other} already.");
            }

            _claims[driver] = name;
            slot.Loading = Task.Run(() =>
            {
                try
                {
                    return LoadedPlugin.Load(name, _copies!.Copy(path, content));
                }
                finally
                {
                    Wake();
                }
            });
        }
        catch (PluginRefusedException e)
        {
            Refuse(slot, e);
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            TryLater(slot, e);
        }
    }

    private static string FindMainAssembly(string name, string path, FolderContent content)
    {
        if (!content.Files.Contains(name + ".dll"))
        {
            var others = string.Join(", ", content.Files.Where(f => f.EndsWith(".dll", StringComparison.OrdinalIgnoreCase)).Take(3));
            throw new PluginRefusedException($"There is no {name}.dll in it: a plugin's main assembly has the name of its folder{(others.Length > 0 ? $" (found: {others})" : "")}.");
        }

        return Path.Combine(path, name + ".dll");
    }

    private void FinishLoad(PluginSlot slot)
    {
        if (!slot.Loading!.IsCompleted)
        {
            return;
        }

        var (load, driver) = (slot.Loading, slot.Status.Driver!);
        slot.Loading = null;
        // Files that changed while they were copied: what was loaded is a mixture, or less.
        var content = FolderContent.Read(slot.Status.Path);
        if (!content.Equals(slot.Tried))
        {
            if (load.IsCompletedSuccessfully)
            {
                load.Result.Dispose();
            }

            _claims.Remove(driver);
            (slot.Content, slot.ContentSince, slot.Tried) = (content, _time.GetTimestamp(), null);
        }
        else if (load.Exception?.InnerException is { } e && IsUnreadable(e))
        {
            _claims.Remove(driver);
            TryLater(slot, e);
        }
        else if (load.IsCompletedSuccessfully)
        {
            _drivers[driver] = load.Result;
            slot.Status = slot.Status with { State = PluginState.Loaded, LoadedAt = _time.GetUtcNow().UtcDateTime };
            LogLoaded(slot.Status.Name, slot.Status.Version!, driver);
        }
        else
        {
            _claims.Remove(driver);
            Refuse(slot, load.Exception!.InnerException!);
        }
    }

    private static bool IsUnreadable(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>Files that cannot be read now, because they are still being written or for want of permission, may be readable later without looking any different.</summary>
    private static void TryLater(PluginSlot slot, Exception reason)
    {
        slot.Tried = null;
        slot.Status = slot.Status with { State = PluginState.Loading, Message = $"Waiting for its files to be readable: {PluginRefusedException.Describe(reason)}" };
    }

    private void Refuse(PluginSlot slot, Exception reason)
    {
        slot.Status = slot.Status with { State = PluginState.Refused, Message = PluginRefusedException.Describe(reason) };
        LogRefused(slot.Status.Name, slot.Status.Message);
        LogRefusedBecause(slot.Status.Name, reason);
    }

    private void Publish()
    {
        PluginStatus[] plugins = [.. _slots.Values.Select(s => s.Status)];
        if (plugins.SequenceEqual(_plugins))
        {
            return;
        }

        _plugins = plugins;
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        try
        {
            Changed?.Invoke(this, EventArgs.Empty);
        }
        catch (Exception e)
        {
            // A listener's mistake is not the host's.
            LogListenerFailed(e);
        }
    }

    /// <summary>Has the file system tell of changes where it can; the poll finds what it does not tell.</summary>
    private void Watch()
    {
        if (_watcher is not null && Directory.Exists(_folder))
        {
            return;
        }

        _watcher?.Dispose();
        _watcher = null;
        if (!Directory.Exists(_folder))
        {
            return;
        }

        try
        {
            _watcher = new FileSystemWatcher(_folder) { IncludeSubdirectories = true };
            _watcher.Created += (_, _) => Wake();
            _watcher.Changed += (_, _) => Wake();
            _watcher.Deleted += (_, _) => Wake();
            _watcher.Renamed += (_, _) => Wake();
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            // Out of watches, or the folder has just vanished.
            _watcher?.Dispose();
            _watcher = null;
        }
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // A look is due already, or none will come.
        }
    }
}
