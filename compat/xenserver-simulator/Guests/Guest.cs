using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Guests.Agent;
using NovaShim.XenServerSimulator.Guests.Journal;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Guests;

/// <summary>
/// The guest of one running VM: appends journal records to its first disk at a set rate until it is told to stop. At boot it reads its whole journal and goes
/// on with the next number; a damaged one crashes it, so that no evidence is overwritten. One that is given the memory it had when it was suspended goes on from
/// there, without a boot. Does not own the disk.
/// </summary>
internal sealed partial class Guest : IAsyncDisposable
{
    private const int MaxBatch = 64;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AgentTick = TimeSpan.FromMilliseconds(200);

    // What a guest could not write while it stood still it makes up for by so much at most.
    private static readonly TimeSpan MaxCredit = TimeSpan.FromMilliseconds(250);

    private readonly Guid _vm;
    private readonly Disk _disk;
    private readonly GuestOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly GuestConsole? _console;
    private readonly GuestStore? _store;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _pull = new();
    private readonly byte[] _batch = new byte[MaxBatch * JournalRecord.Size];
    private readonly SemaphoreSlim _atWork = new(1);
    private readonly long _began;
    private readonly Task _running;
    private volatile TaskCompletionSource _goingOn = Done();
    private volatile GuestState _state = new(0, 0, null);
    private volatile GuestMemory? _memory;
    private int _boot;

    private Guest(string vmUuid, Disk disk, GuestMemory? memory, bool paused, GuestOptions options, TimeProvider time, ILogger log, GuestConsole? console, GuestStore? store)
    {
        (_disk, _memory, _options, _time, _log, _console, _store) = (disk, memory, options, time, log, console, store);
        _vm = Guid.TryParse(vmUuid, out Guid vm) ? vm : throw new ArgumentException($"{vmUuid} is no uuid", nameof(vmUuid));
        _began = time.GetTimestamp();
        if (paused)
        {
            _goingOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _running = Task.Run(() => LiveAsync(_pull.Token));
    }

    public GuestState State => _state;

    /// <summary>Bytes of records a second, over its life so far.</summary>
    public double WriteRate => _state.RecordsWritten * JournalRecord.Size / Math.Max(1, _time.GetElapsedTime(_began).TotalSeconds);

    /// <summary>What it has in its memory; null before it has booted. To be asked of a paused guest.</summary>
    public GuestMemory? Memory => _memory;

    /// <summary>Starts the guest; it finds the end of its journal by itself. A disk without a journal area that is not blank is left alone.</summary>
    public static Guest Boot(string vmUuid, Disk disk, GuestOptions options, TimeProvider time, ILogger log, bool paused = false) =>
        new(vmUuid, disk, memory: null, paused, options, time, log, console: null, store: null);

    /// <summary>Lets a suspended guest go on with the memory it had; it looks at its disk no more than a guest would. Null: it had not booted yet.</summary>
    public static Guest Resume(
        string vmUuid, Disk disk, GuestMemory? memory, GuestOptions options, TimeProvider time, ILogger log, bool paused = false, GuestConsole? console = null, GuestStore? store = null) =>
        new(vmUuid, disk, memory, paused, options, time, log, console, store);

    /// <summary>
    /// Clean shutdown: a closing record is written and flushed. Returns the last sequence number (0: the disk has no journal). A paused guest first has to be
    /// resumed. May be asked again after a cancelled wait: the guest goes on shutting down.
    /// </summary>
    /// <exception cref="GuestCrashedException">The guest died before.</exception>
    public async Task<long> ShutdownAsync(CancellationToken ct)
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(ct);
        return _state.Error is { } error ? throw new GuestCrashedException(error) : _state.LastSequence;
    }

    /// <summary>Hard shutdown: stops at once, without a closing record. Completes when no write is under way any more.</summary>
    public async Task PullAsync()
    {
        await _pull.CancelAsync();
        await _running;
    }

    /// <summary>Stands still, as a paused VM does: it touches its disk no more when this returns.</summary>
    public async Task PauseAsync(CancellationToken ct)
    {
        if (_goingOn.Task.IsCompleted)
        {
            _goingOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        await _atWork.WaitAsync(ct);
        _atWork.Release();
    }

    public void Resume() => _goingOn.TrySetResult();

    /// <summary>As pulling the plug.</summary>
    public async ValueTask DisposeAsync()
    {
        await PullAsync();
        _stop.Dispose();
        _pull.Dispose();
        _atWork.Dispose();
    }

    private static TaskCompletionSource Done()
    {
        TaskCompletionSource done = new();
        done.SetResult();
        return done;
    }

    private async Task LiveAsync(CancellationToken pull)
    {
        try
        {
            Superblock? superblock = null;
            await AtWorkAsync(async () => superblock = await FindJournalAsync(pull), pull);
            if (superblock is null)
            {
                LogNoJournal(_log, _disk.Uuid);
                await IdleAsync(pull);
                return;
            }

            if (_memory is { } memory)
            {
                (_boot, _state) = (memory.Boot, new GuestState(memory.LastSequence, 0, null));
                LogWentOn(_log, _vm, _disk.Uuid, _boot, memory.LastSequence);
            }
            else
            {
                await BootAsync(superblock, pull);
            }

            Task serving = ServeAsync(superblock, pull);
            try
            {
                await WorkAsync(superblock, pull);
            }
            finally
            {
                await serving;
            }

            await AppendAsync(superblock, RecordKind.Shutdown, 1, pull);
            await AtWorkAsync(() => _disk.FlushAsync(pull).AsTask(), pull);
            _console?.WriteLine("Power down.");
        }
        catch (OperationCanceledException) when (pull.IsCancellationRequested)
        {
            // The plug is out.
        }
        catch (Exception e) when (e is JournalException or StorageException or IOException)
        {
            _state = _state with { Error = e.Message };
            LogCrashed(_log, _vm, _disk.Uuid, e.Message);
        }
    }

    /// <summary>The agent in the guest, from its boot to its shutdown. Whatever it cannot do, the guest goes on without.</summary>
    private async Task ServeAsync(Superblock superblock, CancellationToken pull)
    {
        if (_store is null || _options.Agent == GuestAgentKind.Off || _disk.ReadOnly)
        {
            return;
        }

        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(pull, _stop.Token);
        try
        {
            GuestAgent? agent = null;
            await AtWorkAsync(
                async () =>
                {
                    agent = new GuestAgent(_store, await GuestFiles.ReadAsync(_disk.ReadAsync, _disk.WriteAsync, superblock, pull), _options.Agent);
                    agent.Listen();
                },
                ended.Token);
            while (true)
            {
                await AtWorkAsync(() => agent!.ServeAsync(pull), ended.Token);
                await Task.Delay(AgentTick, _time, ended.Token);
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // It goes down.
        }
        catch (Exception e) when (e is JournalException or StorageException or IOException)
        {
            LogAgentCrashed(_log, _vm, e.Message);
        }
    }

    private async Task BootAsync(Superblock superblock, CancellationToken pull)
    {
        JournalExtent extent = await JournalReader.ReadAsync(_disk.ReadAsync, superblock, pull);
        _boot = extent.Boots + 1;
        _state = new GuestState(extent.Last, 0, null);
        LogBooted(_log, _vm, _disk.Uuid, _boot, extent.Last);
        _console?.WriteLine($"Boot {_boot} of machine {_vm}\ndisk xvda: {_disk.VirtualSize} bytes\njournal: ends at record {extent.Last}\nSystem is up.\nlogin:");
        await AppendAsync(superblock, RecordKind.Boot, 1, pull);
        await AtWorkAsync(() => _disk.FlushAsync(pull).AsTask(), pull);
    }

    /// <summary>Does one thing to the disk as soon as the guest is not paused; a pause waits for its end.</summary>
    private async Task AtWorkAsync(Func<Task> work, CancellationToken pull)
    {
        while (true)
        {
            await _goingOn.Task.WaitAsync(pull);
            await _atWork.WaitAsync(pull);
            try
            {
                if (_goingOn.Task.IsCompleted)
                {
                    await work();
                    return;
                }
            }
            finally
            {
                _atWork.Release();
            }
        }
    }

    /// <summary>The disk's superblock; laid on a blank disk, null for one that holds something else.</summary>
    private async Task<Superblock?> FindJournalAsync(CancellationToken pull)
    {
        Memory<byte> block = _batch.AsMemory(0, Superblock.Size);
        await _disk.ReadAsync(0, block, pull);
        if (Superblock.Parse(block.Span, _disk.VirtualSize) is { } found)
        {
            return found;
        }

        if (_disk.ReadOnly || block.Span.ContainsAnyExcept((byte)0))
        {
            return null;
        }

        Superblock laid = Superblock.Lay(_disk.VirtualSize, null, 0, new byte[32]);
        await _disk.WriteAsync(0, laid.ToBytes(), pull);
        return laid;
    }

    private async Task WorkAsync(Superblock superblock, CancellationToken pull)
    {
        long last = _time.GetTimestamp(), flushed = last;
        double credit = 0;
        double maxCredit = Math.Max(JournalRecord.Size, _options.BytesPerSecond * MaxCredit.TotalSeconds);
        while (!_stop.IsCancellationRequested || !_goingOn.Task.IsCompleted)
        {
            if (!_goingOn.Task.IsCompleted)
            {
                await _goingOn.Task.WaitAsync(pull);
                last = _time.GetTimestamp();
                continue;
            }

            long now = _time.GetTimestamp();
            credit = Math.Min(maxCredit, credit + (_time.GetElapsedTime(last, now).TotalSeconds * _options.BytesPerSecond));
            last = now;
            for (; credit >= JournalRecord.Size && !_stop.IsCancellationRequested && _goingOn.Task.IsCompleted;)
            {
                int records = (int)Math.Min(MaxBatch, credit / JournalRecord.Size);
                await AppendAsync(superblock, RecordKind.Work, records, pull);
                credit -= records * (double)JournalRecord.Size;
            }

            if (_time.GetElapsedTime(flushed) >= _options.FlushInterval)
            {
                await AtWorkAsync(() => _disk.FlushAsync(pull).AsTask(), pull);
                flushed = _time.GetTimestamp();
            }

            await RestAsync(Tick, pull);
        }
    }

    /// <summary>A guest without a journal: up until it is told to shut down.</summary>
    private async Task IdleAsync(CancellationToken pull)
    {
        while (!_stop.IsCancellationRequested || !_goingOn.Task.IsCompleted)
        {
            await _goingOn.Task.WaitAsync(pull);
            await RestAsync(Timeout.InfiniteTimeSpan, pull);
        }
    }

    private async Task RestAsync(TimeSpan duration, CancellationToken pull)
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(pull, _stop.Token);
        try
        {
            await Task.Delay(duration, _time, either.Token);
        }
        catch (OperationCanceledException) when (!pull.IsCancellationRequested)
        {
            // Told to shut down.
        }
    }

    /// <summary>Writes the next records, in order, in as few requests as the ring's end allows.</summary>
    private async Task AppendAsync(Superblock superblock, RecordKind kind, int records, CancellationToken pull)
    {
        while (records > 0)
        {
            await AtWorkAsync(
                async () =>
                {
                    long sequence = _state.LastSequence + 1;
                    long slot = (sequence - 1) % superblock.Slots;
                    int count = (int)Math.Min(records, superblock.Slots - slot);
                    long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
                    for (int i = 0; i < count; i++)
                    {
                        new JournalRecord(_vm, _boot, kind, sequence + i, now).Write(_batch.AsSpan(i * JournalRecord.Size, JournalRecord.Size));
                    }

                    await _disk.WriteAsync(superblock.RingOffset + (slot * JournalRecord.Size), _batch.AsMemory(0, count * JournalRecord.Size), pull);
                    _state = _state with { LastSequence = sequence + count - 1, RecordsWritten = _state.RecordsWritten + count };
                    _memory = new GuestMemory(_boot, _state.LastSequence);
                    records -= count;
                },
                pull);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Guest of VM {Vm} on disk {Disk}: boot {Boot}, its journal ends at {Last}")]
    private static partial void LogBooted(ILogger log, Guid vm, string disk, int boot, long last);

    [LoggerMessage(Level = LogLevel.Information, Message = "Guest of VM {Vm} on disk {Disk} goes on in boot {Boot} after record {Last}")]
    private static partial void LogWentOn(ILogger log, Guid vm, string disk, int boot, long last);

    [LoggerMessage(Level = LogLevel.Information, Message = "Disk {Disk} holds something without a journal: its guest writes nothing")]
    private static partial void LogNoJournal(ILogger log, string disk);

    [LoggerMessage(Level = LogLevel.Error, Message = "The agent in the guest of VM {Vm} crashed: {Reason}")]
    private static partial void LogAgentCrashed(ILogger log, Guid vm, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Guest of VM {Vm} on disk {Disk} crashed: {Reason}")]
    private static partial void LogCrashed(ILogger log, Guid vm, string disk, string reason);
}
