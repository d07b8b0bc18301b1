using System.Globalization;
using Microsoft.Data.Sqlite;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>
/// The SQLite file and the right of this process to it: WAL, every commit synced to disk (<c>synchronous=FULL</c>). A lock file beside it, held open, keeps a second process out;
/// the operating system gives it back when the process dies.
/// </summary>
internal sealed class DocumentFile : IDisposable
{
    private const long Version = 1;

    private readonly FileStream exclusive;

    private DocumentFile(SqliteConnection connection, FileStream exclusive)
    {
        Connection = connection;
        this.exclusive = exclusive;
    }

    /// <summary>The only connection; one thread at a time.</summary>
    public SqliteConnection Connection { get; }

    /// <summary>Opens the file, or makes it. Throws <see cref="DocumentStoreException"/> saying why when it cannot be used.</summary>
    public static DocumentFile Open(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DocumentStoreException($"The folder of the document store {path} cannot be made: {error.Message}", error);
        }

        var exclusive = Lock(path);
        SqliteConnection? connection = null;
        try
        {
            File.WriteAllText(PidFile(path), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ConnectionString);
            connection.Open();
            Prepare(connection, path);
            return new DocumentFile(connection, exclusive);
        }
        catch (Exception error) when (error is SqliteException or DocumentStoreException or IOException)
        {
            connection?.Dispose();
            exclusive.Dispose();
            throw error as DocumentStoreException ?? new DocumentStoreException($"The document store {path} cannot be opened: {error.Message}", error);
        }
    }

    public void Dispose()
    {
        Connection.Dispose();
        exclusive.Dispose();
    }

    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new DocumentStoreException(
                $"The document store is in use by another process{Holder(path)} ({path}.lock is locked). The embedded store belongs to one process; several processes share a MongoDB.", error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new DocumentStoreException($"The document store cannot be opened: {error.Message}", error);
        }
    }

    private static string PidFile(string path) => path + ".pid";

    /// <summary>Who has it. The id stands in a file of its own, because a locked file cannot be read.</summary>
    private static string Holder(string path)
    {
        try
        {
            return $" with the id {File.ReadAllText(PidFile(path))}";
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static void Prepare(SqliteConnection connection, string path)
    {
        Scalar(connection, "PRAGMA locking_mode=EXCLUSIVE");
        if (Scalar(connection, "PRAGMA journal_mode=WAL") as string != "wal")
        {
            throw new DocumentStoreException($"The document store {path} cannot be opened: its file system allows no write-ahead log.");
        }

        Scalar(connection, "PRAGMA synchronous=FULL");
        if (Scalar(connection, "PRAGMA quick_check(1)") is var check && check as string != "ok")
        {
            throw new DocumentStoreException($"The document store {path} is damaged: {check}");
        }

        var version = (long)Scalar(connection, "PRAGMA user_version")!;
        if (version > Version)
        {
            throw new DocumentStoreException($"The document store {path} was written by a newer program (format {version}; this program knows {Version}).");
        }

        Scalar(connection, $"PRAGMA user_version={Version}");
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
