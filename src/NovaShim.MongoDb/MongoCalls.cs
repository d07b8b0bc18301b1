using Microsoft.Extensions.Logging;
using MongoDB.Driver;
using NovaShim.Compute.Documents;

namespace NovaShim.MongoDb;

/// <summary>MongoDB has not answered within the limit; waiting may help.</summary>
internal sealed class MongoAwayException(string message, Exception inner) : DocumentStoreException(message, inner);

/// <summary>
/// Runs calls to MongoDB and repeats them, with growing pauses and within a limit of time, while the reason they failed is one that passes: no server, no primary, a lost connection. A call is told
/// whether an earlier attempt of it may have been applied.
/// </summary>
internal sealed partial class MongoCalls(TimeProvider time, TimeSpan limit, ILogger log)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private int away;

    /// <summary>Runs a call until it succeeds. Throws <see cref="MongoAwayException"/> when MongoDB does not answer within the limit, another <see cref="DocumentStoreException"/> when it refuses.</summary>
    public async Task<TResult> RunAsync<TResult>(Func<bool, CancellationToken, Task<TResult>> call, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        var pause = FirstPause;
        for (var again = false; ; again = true)
        {
            try
            {
                return await AttemptAsync(call, again, cancellation);
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested && Passes(error))
            {
                if (time.GetElapsedTime(start) + pause >= limit)
                {
                    throw new MongoAwayException($"MongoDB does not answer: {error.Message}", error);
                }
            }
            catch (MongoException error) when (!IsDuplicateKey(error))
            {
                throw new DocumentStoreException($"MongoDB refused: {error.Message}", error);
            }

            await Task.Delay(pause, time, cancellation);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Whether a unique index, or the key, refused a write.</summary>
    public static bool IsDuplicateKey(MongoException error) => error is MongoWriteException { WriteError.Category: ServerErrorCategory.DuplicateKey };

    private async Task<TResult> AttemptAsync<TResult>(Func<bool, CancellationToken, Task<TResult>> call, bool again, CancellationToken cancellation)
    {
        // A server that is there but silent must not hold a call for ever, nor use up all the time that other attempts could have.
        using var attempt = new CancellationTokenSource(limit / 3, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, attempt.Token);
        try
        {
            var result = await call(again, either.Token);
            if (Interlocked.Exchange(ref away, 0) == 1)
            {
                LogBack();
            }

            return result;
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested && Passes(error))
        {
            if (Interlocked.Exchange(ref away, 1) == 0)
            {
                LogAway(error.Message);
            }

            throw;
        }
    }

    private static bool Passes(Exception error) => error switch
    {
        MongoAuthenticationException => false,
        MongoConnectionException or MongoConnectionPoolPausedException or MongoWaitQueueFullException or MongoCursorNotFoundException => true,
        MongoNotPrimaryException or MongoNodeIsRecoveringException or MongoExecutionTimeoutException or MongoWriteConcernException => true,
        MongoWriteException { WriteError: null, WriteConcernError: not null } => true,
        MongoException known => known.HasErrorLabel("RetryableWriteError"),
        TimeoutException or OperationCanceledException => true,
        _ => false,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "MongoDB is away: {Reason}")]
    private partial void LogAway(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "MongoDB is back.")]
    private partial void LogBack();
}
