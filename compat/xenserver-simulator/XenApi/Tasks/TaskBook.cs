using System.Collections.Concurrent;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Records;
using NovaShim.XenServerSimulator.XenApi.Wire;

namespace NovaShim.XenServerSimulator.XenApi.Tasks;

/// <summary>Asynchronous calls and uploads as task objects. They live in memory: no task outlasts the process that worked on it.</summary>
internal sealed class TaskBook(Database database, TimeProvider time, CancellationToken hostDown)
{
    private static readonly TimeSpan KeepFinished = TimeSpan.FromMinutes(65);
    private static readonly TimeSpan KeepPending = TimeSpan.FromHours(24);

    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, MessageHandler>> Messages =>
    [
        new("task.create", Handler.Of(call => Create(call.Text(0), call.Text(1)))),
        new("task.destroy", Handler.Of(call => Destroy(call.Text(0)))),
        new("task.cancel", Handler.Of(call => Cancel(call.Text(0)))),
        new("task.set_status", Handler.Of(call => Write(call, "status"))),
        new("task.set_progress", Handler.Of(call => Write(call, "progress"))),
        new("task.set_result", Handler.Of(call => Write(call, "result"))),
        new("task.set_error_info", Handler.Of(call => Write(call, "error_info"))),
    ];

    public string Create(string label, string description)
    {
        Collect();
        return database.Change(tx => tx.Create("task",
        [
            new("name_label", label),
            new("name_description", description),
            new("created", time.GetUtcNow().UtcDateTime),
            new("finished", DateTime.UnixEpoch),
            new("status", "pending"),
            new("type", "<none/>"),
            new("resident_on", tx.All("host").First().Ref),
            new("allowed_operations", Values.Set(["cancel", "destroy"])),
        ]));
    }

    /// <summary>Starts work under a new task and returns the task's reference at once.</summary>
    public string Start(string label, string session, Func<IProgress<double>, CancellationToken, Task<object?>> work)
    {
        string task = Create(label, "");
        _ = RunAsync(task, work);
        return task;
    }

    /// <summary>Does work under a task that exists; the task has the outcome when this returns, and a failure is thrown on as well.</summary>
    public async Task<object?> RunAsync(string task, Func<IProgress<double>, CancellationToken, Task<object?>> work, bool rethrow = false)
    {
        using CancellationTokenSource cancellation = CancellationTokenSource.CreateLinkedTokenSource(hostDown);
        _running[task] = cancellation;
        try
        {
            // The caller gets its answer before the work begins.
            await Task.Yield();
            object? result = await work(new TaskProgress(database, task), cancellation.Token);
            Finish(task, "success", result is null ? "" : XmlRpc.WriteValue(result), []);
            return result;
        }
        catch (OperationCanceledException)
        {
            Finish(task, "cancelled", "", ["TASK_CANCELLED", task]);
            return rethrow ? throw new ApiFailure("TASK_CANCELLED", task) : null;
        }
        catch (ApiFailure failure)
        {
            Finish(task, "failure", "", failure.Description);
            if (rethrow)
            {
                throw;
            }

            return null;
        }
        catch (Exception error)
        {
            // Nobody awaits an asynchronous call: its task is where a failure is seen.
            ApiFailure failure = ApiFailure.Internal($"{error.GetType().Name}: {error.Message}");
            Finish(task, "failure", "", failure.Description);
            return rethrow ? throw failure : null;
        }
        finally
        {
            _running.TryRemove(task, out _);
        }
    }

    private void Finish(string task, string status, string result, IReadOnlyList<string> error) => database.Change(tx => tx.Set(
        task,
        ("status", status),
        ("result", result),
        ("error_info", Values.Set(error)),
        ("progress", 1.0),
        ("finished", time.GetUtcNow().UtcDateTime),
        ("allowed_operations", Values.Set(["destroy"]))));

    private void Destroy(string task)
    {
        Record record = database.Get("task", task);
        if (_running.TryGetValue(record.Ref, out CancellationTokenSource? running))
        {
            running.Cancel();
        }

        database.Change(tx => tx.Delete(record.Ref));
    }

    private void Cancel(string task)
    {
        Record record = database.Get("task", task);
        if (_running.TryGetValue(record.Ref, out CancellationTokenSource? running))
        {
            database.Change(tx => tx.Set(task, "status", "cancelling"));
            running.Cancel();
        }
        else if (record.Text("status") == "pending")
        {
            Finish(task, "cancelled", "", ["TASK_CANCELLED", task]);
        }
        else
        {
            throw ApiFailure.NotAllowed("the task has ended");
        }
    }

    private void Write(Call call, string field) => database.Change(tx => tx.Set(tx.Get("task", call.Text(0)).Ref, field, call.Arguments[1]));

    private void Collect()
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        string[] old =
        [
            .. database.All("task").Where(task => task.Text("status") is "pending" or "cancelling"
                ? now - (DateTime)task["created"] > KeepPending && !_running.ContainsKey(task.Ref)
                : now - (DateTime)task["finished"] > KeepFinished).Select(task => task.Ref),
        ];
        if (old.Length > 0)
        {
            database.Change(tx => Array.ForEach(old, tx.Delete));
        }
    }

    /// <summary>Writes progress into a task, in steps that are worth an event.</summary>
    private sealed class TaskProgress(Database database, string task) : IProgress<double>
    {
        private double _reported;

        public void Report(double value)
        {
            if (value - _reported >= 0.01)
            {
                _reported = value;
                database.Change(tx => tx.Set(task, "progress", Math.Clamp(value, 0, 1)));
            }
        }
    }
}
