using NovaShim.Sdk;

namespace NovaShim.XenServer.Migrations;

/// <summary>Turns what rsync says into the migration's figures: 0 to 90 per cent while the guest runs, to 99 once it has stopped.</summary>
internal sealed class CopyProgress
{
    private const int WhileRunning = 90;
    private const int Last = 99;

    private readonly MigrationStepContext _step;
    private readonly TimeProvider _time;
    private readonly bool _startedStopped;
    private List<CopyRound> _rounds;
    private long _before;
    private long _done;
    private long _expected;
    private long _roundBefore;
    private long _began;
    private CopyRound _round = new("", 0, 0, false);

    /// <param name="step">Where to report.</param>
    /// <param name="time">The clock of the rounds.</param>
    /// <param name="startedStopped">The guest was down before the copy began: there is no part "while it runs".</param>
    public CopyProgress(MigrationStepContext step, TimeProvider time, bool startedStopped)
    {
        (_step, _time, _startedStopped) = (step, time, startedStopped);
        _rounds = [.. step.Progress.Rounds];
        _before = _rounds.Sum(r => r.Bytes);
    }

    /// <summary>Begins a pass over files of so many bytes. A pass of the same name continues it: a part that changed is sent again.</summary>
    public void Begin(string name, long bytes, bool guestRunning)
    {
        Commit();
        var earlier = _rounds.FindIndex(r => r.Name == name);
        _round = earlier >= 0 ? _rounds[earlier] with { GuestRunning = guestRunning } : new CopyRound(name, 0, 0, guestRunning);
        _rounds = [.. _rounds.Where(r => r.Name != name)];
        (_roundBefore, _done, _expected, _began) = (_round.Bytes, 0, bytes, _time.GetTimestamp());
        Report();
    }

    /// <summary>So many bytes of the pass are covered.</summary>
    public void Moved(long bytes)
    {
        if (bytes > _done)
        {
            _done = bytes;
            Report();
        }
    }

    /// <summary>The pass is over.</summary>
    public void End()
    {
        Moved(_expected);
        Commit();
    }

    private void Commit()
    {
        if (_round.Name.Length > 0)
        {
            _rounds = [.. _rounds, Now()];
            _before += _done;
            (_round, _done, _expected) = (new("", 0, 0, false), 0, 0);
        }
    }

    private CopyRound Now() => _round with { Bytes = _roundBefore + _done, Seconds = Math.Round(_round.Seconds + _time.GetElapsedTime(_began).TotalSeconds, 3) };

    private void Report()
    {
        var (total, done) = (_before + _expected, _before + _done);
        var (from, to) = _startedStopped ? (0, Last) : _round.GuestRunning ? (0, WhileRunning) : (WhileRunning, Last);
        var (part, whole) = from == 0 ? (done, total) : (_done, _expected);
        var percent = whole == 0 ? from : from + (int)((to - from) * (double)part / whole);
        IReadOnlyList<CopyRound> rounds = [.. _rounds, Now()];
        _step.Report(p => p with { Percent = Math.Max(p.Percent, percent), BytesDone = done, BytesTotal = Math.Max(total, done), Rounds = rounds });
    }
}
