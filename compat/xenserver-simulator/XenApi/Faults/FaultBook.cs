using NovaShim.XenServerSimulator.XenApi.Calls;

namespace NovaShim.XenServerSimulator.XenApi.Faults;

/// <summary>The faults that wait for their call.</summary>
internal sealed class FaultBook(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly List<Fault> _faults = [];
    private readonly List<string> _held = [];
    private TaskCompletionSource _lifted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lastId;

    public IReadOnlyList<Fault> Waiting
    {
        get
        {
            lock (_gate)
            {
                return [.. _faults];
            }
        }
    }

    /// <summary>The messages whose calls stand still now, one entry a call; a synchronous call has no task in which it could be seen.</summary>
    public IReadOnlyList<string> Held
    {
        get
        {
            lock (_gate)
            {
                return [.. _held];
            }
        }
    }

    public Fault Add(string method, IReadOnlyList<string>? error, bool after, int times, TimeSpan delay)
    {
        lock (_gate)
        {
            Fault fault = new(++_lastId, method, error, after, times, delay);
            _faults.Add(fault);
            return fault;
        }
    }

    /// <summary>Forgets every fault; calls that hang go on.</summary>
    public void Lift()
    {
        lock (_gate)
        {
            _faults.Clear();
            _lifted.SetResult();
            _lifted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>
    /// Takes the fault that hits this call, waiting as long as the fault says: a call that hangs waits until it is cancelled or faults are lifted. One whose caller has hung up meanwhile was lost on its way.
    /// </summary>
    public async Task<Fault?> TakeAsync(Call call)
    {
        Fault? fault;
        Task lifted;
        lock (_gate)
        {
            int index = _faults.FindIndex(f => f.Method == call.Message.Name);
            if (index < 0)
            {
                return null;
            }

            fault = _faults[index];
            lifted = _lifted.Task;
            if (fault.Remaining > 1)
            {
                _faults[index] = fault with { Remaining = fault.Remaining - 1 };
            }
            else
            {
                _faults.RemoveAt(index);
            }
        }

        TimeSpan wait = fault.Error is null ? Timeout.InfiniteTimeSpan : fault.Delay;
        if (wait != TimeSpan.Zero)
        {
            using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation, call.ClientGone);
            Hold(call.Message.Name);
            try
            {
                await lifted.WaitAsync(wait, time, over.Token);
            }
            catch (TimeoutException)
            {
                return fault;
            }
            finally
            {
                Release(call.Message.Name);
            }

            return null;
        }

        return fault;
    }

    private void Hold(string message)
    {
        lock (_gate)
        {
            _held.Add(message);
        }
    }

    private void Release(string message)
    {
        lock (_gate)
        {
            _held.Remove(message);
        }
    }
}
