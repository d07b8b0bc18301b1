using System.Text.Json.Nodes;

namespace NovaShim.XenServer.XenApi;

/// <summary>XenAPI's class task: a call that goes on after its answer. (The official SDK calls it Task, a name that is taken here.)</summary>
internal sealed record XenTask
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(20);

    /// <summary><c>pending</c>, <c>success</c>, <c>failure</c>, <c>cancelling</c> or <c>cancelled</c>.</summary>
    public string status { get; init; } = "";

    /// <summary>0 to 1.</summary>
    public double progress { get; init; }

    /// <summary>The error's code and parameters, when it failed.</summary>
    public List<string> error_info { get; init; } = [];

    public static Task<string> create(Session session, string label, string description, CancellationToken cancellation) =>
        session.CallAsync("task.create", XenApiJson.Default.String, cancellation, label, description);

    public static Task<XenTask> get_record(Session session, string task, CancellationToken cancellation) =>
        session.CallAsync("task.get_record", XenApiJson.Default.XenTask, cancellation, task);

    public static Task cancel(Session session, string task, CancellationToken cancellation) => session.CallAsync("task.cancel", cancellation, task);

    public static Task destroy(Session session, string task, CancellationToken cancellation) => session.CallAsync("task.destroy", cancellation, task);

    /// <summary>Calls a message asynchronously and waits for its task.</summary>
    public static async Task RunAsync(Session session, string method, TimeSpan within, CancellationToken cancellation, params JsonNode?[] parameters)
    {
        var task = await session.CallAsync("Async." + method, XenApiJson.Default.String, cancellation, parameters);
        await WaitAsync(session, task, method, within, progress: null, cancellation);
    }

    /// <summary>Waits for a task and takes it away. When the time is up or the wait is cancelled, the task is cancelled as far as XenServer can.</summary>
    /// <exception cref="Failure">The task failed.</exception>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    public static async Task WaitAsync(Session session, string task, string method, TimeSpan within, IProgress<double>? progress, CancellationToken cancellation)
    {
        using var deadline = new Deadline(within, session.Time, cancellation);
        try
        {
            var pause = FirstPoll;
            while (true)
            {
                var record = await get_record(session, task, deadline.Token);
                progress?.Report(record.progress);
                switch (record.status)
                {
                    case "success":
                        return;
                    case "failure" or "cancelled":
                        throw new Failure(method, record.error_info is { Count: > 0 } ? record.error_info : [$"task {record.status}"]);
                }

                await Task.Delay(pause, session.Time, deadline.Token);
                pause = pause * 2 < PollInterval ? pause * 2 : PollInterval;
            }
        }
        catch (OperationCanceledException)
        {
            await AbandonAsync(session, task);
            cancellation.ThrowIfCancellationRequested();
            throw new TimeoutException($"{method} was not done within {within.TotalSeconds:0.#} s.");
        }
        finally
        {
            await TryAsync(() => destroy(session, task, CancellationToken.None));
        }
    }

    /// <summary>Cancels a task that nobody waits for any more, as far as XenServer can.</summary>
    public static Task AbandonAsync(Session session, string task) => TryAsync(() => cancel(session, task, CancellationToken.None));

    // A task that is left behind is collected by XenServer; what matters is the reason for giving up.
    private static async Task TryAsync(Func<Task> tidy)
    {
        try
        {
            await tidy();
        }
        catch (Exception e) when (e is Failure or HttpRequestException or TimeoutException)
        {
            _ = e;
        }
    }
}
