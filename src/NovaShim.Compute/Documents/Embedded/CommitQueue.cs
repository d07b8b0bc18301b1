using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>A write on its way into the file: executed in a transaction with others, visible and answered when that transaction is on disk.</summary>
internal abstract class PendingWrite
{
    /// <summary>One statement, inside a transaction. Keeps what came of it; a broken constraint is an outcome, any other error is thrown.</summary>
    public abstract void Execute();

    /// <summary>Makes the outcome visible to readers; runs after the commit.</summary>
    public abstract void Publish();

    /// <summary>Answers the writer.</summary>
    public abstract void Complete();

    /// <summary>Answers the writer that nothing was written.</summary>
    public abstract void Fail(DocumentStoreException error);
}

/// <summary>
/// Commits writes in groups, on one thread: while one transaction is being synced the next writes gather, so that throughput follows the number of writers and
/// not the disk's sync time. A write is decided by SQL inside its transaction, in the order of arrival.
/// </summary>
internal sealed class CommitQueue : IAsyncDisposable
{
    private const int MaxGroup = 512;

    private readonly Channel<PendingWrite> channel = Channel.CreateUnbounded<PendingWrite>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SqliteConnection connection;
    private readonly Task loop;

    public CommitQueue(SqliteConnection connection)
    {
        this.connection = connection;
        loop = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public void Add(PendingWrite write)
    {
        if (!channel.Writer.TryWrite(write))
        {
            throw new DocumentStoreException("The document store is closed.");
        }
    }

    /// <summary>Commits what has been added and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        channel.Writer.TryComplete();
        await loop;
    }

    private void Run()
    {
        var group = new List<PendingWrite>(MaxGroup);
        while (channel.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            group.Clear();
            while (group.Count < MaxGroup && channel.Reader.TryRead(out var write))
            {
                group.Add(write);
            }

            Commit(group);
        }
    }

    private void Commit(List<PendingWrite> group)
    {
        try
        {
            // In SQL, not by SqliteTransaction: prepared commands outlive transactions, and would have to be told of each.
            Run("BEGIN IMMEDIATE");
            foreach (var write in group)
            {
                write.Execute();
            }

            Run("COMMIT");
        }
        catch (Exception error)
        {
            // Whatever it was, nothing of the group is kept and the loop must live: the next write may find room on the disk again.
            RollBack();
            var failure = new DocumentStoreException($"The document store could not write: {error.Message}", error);
            group.ForEach(write => write.Fail(failure));
            return;
        }

        group.ForEach(write => write.Publish());
        group.ForEach(write => write.Complete());
    }

    private void RollBack()
    {
        try
        {
            Run("ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite has done it by itself, as it does after some errors, or no transaction was begun.
        }
    }

    private void Run(string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Three constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
