using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace NovaShim.Compute.Documents.Embedded;

/// <summary>
/// The table of one collection: key, revision, the document as JSON, and a column per unique index. Used by the thread that commits, and before that thread begins.
/// Names of tables and columns come from the catalog, never from a user.
/// </summary>
internal sealed partial class DocumentTable<T> : IDisposable
    where T : Document
{
    // https://www.sqlite.org/rescode.html
    private const int ConstraintPrimaryKey = 1555;
    private const int ConstraintUnique = 2067;

    private readonly SqliteConnection connection;
    private readonly string name;
    private readonly IReadOnlyList<UniqueKey<T>> uniqueKeys;
    private readonly SqliteCommand insert;
    private readonly SqliteCommand replace;
    private readonly SqliteCommand delete;

    public DocumentTable(SqliteConnection connection, DocumentKind kind)
    {
        this.connection = connection;
        name = kind.Collection;
        uniqueKeys = kind.Indexes.Where(i => i.Unique).Select(i => new UniqueKey<T>(i)).ToArray();
        Create();
        var columns = uniqueKeys.Select(k => k.Index).ToArray();
        insert = Command(
            $"INSERT INTO {name} ({string.Join(", ", ["key", "revision", "body", .. columns])}) VALUES ({string.Join(", ", ["$key", "$revision", "$body", .. columns.Select(c => "$" + c)])})");
        replace = Command(
            $"UPDATE {name} SET {string.Join(", ", ["revision = $revision", "body = $body", .. columns.Select(c => $"{c} = ${c}")])} WHERE key = $key AND revision = $expected");
        delete = Command($"DELETE FROM {name} WHERE key = $key AND revision = $expected");
    }

    /// <summary>All documents. Throws <see cref="DocumentStoreException"/> naming the one that cannot be read.</summary>
    public ImmutableDictionary<string, T> Load()
    {
        var documents = ImmutableDictionary.CreateBuilder<string, T>(StringComparer.Ordinal);
        using var select = Command($"SELECT key, body FROM {name}");
        using var reader = select.ExecuteReader();
        while (reader.Read())
        {
            var key = reader.GetString(0);
            try
            {
                documents.Add(key, DocumentJson.Read<T>(reader.GetString(1)));
            }
            catch (JsonException error)
            {
                throw new DocumentStoreException($"The document '{key}' of {name} cannot be read: {error.Message}", error);
            }
        }

        return documents.ToImmutable();
    }

    public void Insert(T document, string body)
    {
        Bind(insert, document, body);
        Execute(insert);
    }

    /// <summary>Whether the stored revision was the one before the document's.</summary>
    public bool Replace(T document, string body)
    {
        Bind(replace, document, body);
        Set(replace, "$expected", document.Revision - 1);
        return Execute(replace) == 1;
    }

    /// <summary>Whether the stored revision was the document's.</summary>
    public bool Delete(T document)
    {
        Set(delete, "$key", document.Key);
        Set(delete, "$expected", document.Revision);
        return Execute(delete) == 1;
    }

    public void Dispose()
    {
        insert.Dispose();
        replace.Dispose();
        delete.Dispose();
    }

    private void Create()
    {
        Run($"CREATE TABLE IF NOT EXISTS {name} (key TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID");
        foreach (var unique in uniqueKeys)
        {
            AddColumn(unique);
            try
            {
                Run($"CREATE UNIQUE INDEX IF NOT EXISTS {name}_{unique.Index} ON {name} ({unique.Index})");
            }
            catch (SqliteException error) when (error.SqliteExtendedErrorCode == ConstraintUnique)
            {
                throw new DocumentStoreException($"The unique index {unique.Index} of {name} cannot be made: documents that are there already have the same values.", error);
            }
        }
    }

    /// <summary>A file from before the index was in the catalog gets its column, filled from the documents; both or neither.</summary>
    private void AddColumn(UniqueKey<T> unique)
    {
        using var columns = Command($"SELECT COUNT(*) FROM pragma_table_info('{name}') WHERE name = '{unique.Index}'");
        if ((long)columns.ExecuteScalar()! > 0)
        {
            return;
        }

        using var transaction = connection.BeginTransaction();
        Run($"ALTER TABLE {name} ADD COLUMN {unique.Index} TEXT");
        foreach (var (key, document) in Load())
        {
            using var fill = Command($"UPDATE {name} SET {unique.Index} = $value WHERE key = $key");
            Set(fill, "$value", unique.Of(document));
            Set(fill, "$key", key);
            fill.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    private void Bind(SqliteCommand command, T document, string body)
    {
        Set(command, "$key", document.Key);
        Set(command, "$revision", document.Revision);
        Set(command, "$body", body);
        foreach (var unique in uniqueKeys)
        {
            Set(command, "$" + unique.Index, unique.Of(document));
        }
    }

    private int Execute(SqliteCommand command)
    {
        try
        {
            return command.ExecuteNonQuery();
        }
        catch (SqliteException error) when (error.SqliteExtendedErrorCode is ConstraintPrimaryKey or ConstraintUnique)
        {
            var column = FailedColumn().Match(error.Message).Groups["column"].Value;
            throw new DuplicateKeyException(uniqueKeys.Any(k => k.Index == column) ? column : "key", error);
        }
    }

    private void Run(string sql)
    {
        using var command = Command(sql);
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // The names in it come from the catalog.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command;
    }

    private static void Set(SqliteCommand command, string parameter, object? value)
    {
        if (!command.Parameters.Contains(parameter))
        {
            command.Parameters.AddWithValue(parameter, value ?? DBNull.Value);
        }

        command.Parameters[parameter].Value = value ?? DBNull.Value;
    }

    // As SQLite words it: "UNIQUE constraint failed: table.column".
    [GeneratedRegex(@"constraint failed: \w+\.(?<column>\w+)")]
    private static partial Regex FailedColumn();
}
