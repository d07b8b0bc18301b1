using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using NovaShim.XenServerSimulator.XenApi.Model;
using NovaShim.XenServerSimulator.XenApi.Wire;

namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>
/// The durable half of the database: one SQLite file, one row for each object, one transaction for each change.
/// Reading it gives every object a new reference: uuids persist, references die with the server.
/// </summary>
internal sealed class RecordFile : IDisposable
{
    private readonly SqliteConnection _connection;

    public RecordFile(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
        Execute("CREATE TABLE IF NOT EXISTS objects (ref TEXT PRIMARY KEY, class TEXT NOT NULL, fields TEXT NOT NULL) WITHOUT ROWID");
        Execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    }

    public long ReadGeneration()
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = "SELECT value FROM facts WHERE name = 'generation'";
        return command.ExecuteScalar() is string text ? long.Parse(text, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>Every object under a new reference, which the file then holds too.</summary>
    public IReadOnlyList<Record> ReadAll(DataModel model, long generation)
    {
        List<(string Ref, string Class, string Fields)> rows = [];
        using (SqliteCommand command = _connection.CreateCommand())
        {
            command.CommandText = "SELECT ref, class, fields FROM objects";
            using SqliteDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
                rows.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2)));
            }
        }

        Dictionary<string, string> renewed = rows.ToDictionary(row => row.Ref, _ => $"OpaqueRef:{Guid.NewGuid()}", StringComparer.Ordinal);
        List<Record> records = [];
        foreach ((string reference, string className, string fields) in rows)
        {
            if (model.Classes.TryGetValue(className, out ClassModel? known))
            {
                records.Add(Read(known, renewed[reference], fields, renewed) with { Created = generation, Modified = generation });
            }
        }

        using SqliteTransaction transaction = _connection.BeginTransaction();
        Execute("DELETE FROM objects", transaction);
        foreach (Record record in records)
        {
            Write(transaction, record);
        }

        WriteGeneration(transaction, generation);
        transaction.Commit();
        return records;
    }

    public void Write(long generation, IEnumerable<KeyValuePair<string, Record?>> changes)
    {
        KeyValuePair<string, Record?>[] durable = [.. changes];
        if (durable.Length == 0)
        {
            return;
        }

        using SqliteTransaction transaction = _connection.BeginTransaction();
        foreach ((string reference, Record? record) in durable)
        {
            if (record is not null)
            {
                Write(transaction, record);
            }
            else
            {
                Execute("DELETE FROM objects WHERE ref = $ref", transaction, ("$ref", reference));
            }
        }

        WriteGeneration(transaction, generation);
        transaction.Commit();
    }

    public void Dispose() => _connection.Dispose();

    private static Record Read(ClassModel model, string reference, string json, Dictionary<string, string> renewed)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        ImmutableDictionary<string, object>.Builder fields = Record.New(model, reference, "").Fields.ToBuilder();
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (model.Fields.TryGetValue(property.Name, out FieldModel? field))
            {
                fields[property.Name] = Renew(field.Type.Accept(JsonValues.Read(property.Value), property.Name), renewed);
            }
        }

        return new Record(model, reference, fields.ToImmutable(), 0, 0);
    }

    private static object Renew(object value, Dictionary<string, string> renewed) => value switch
    {
        string text => renewed.GetValueOrDefault(text, text),
        ValueMap map => map.ToDictionary(pair => renewed.GetValueOrDefault(pair.Key, pair.Key), pair => Renew(pair.Value, renewed), StringComparer.Ordinal),
        ValueSet set => set.Select(item => Renew(item, renewed)).ToArray(),
        _ => value,
    };

    private void Write(SqliteTransaction transaction, Record record)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            JsonValues.Write(writer, (ValueMap)record.Fields);
        }

        Execute(
            "INSERT OR REPLACE INTO objects (ref, class, fields) VALUES ($ref, $class, $fields)",
            transaction,
            ("$ref", record.Ref),
            ("$class", record.Class.Name),
            ("$fields", Encoding.UTF8.GetString(buffer.WrittenSpan)));
    }

    private void WriteGeneration(SqliteTransaction transaction, long generation) => Execute(
        "INSERT OR REPLACE INTO facts (name, value) VALUES ('generation', $value)",
        transaction,
        ("$value", generation.ToString(CultureInfo.InvariantCulture)));

    private void Execute(string sql, SqliteTransaction? transaction = null, params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        using SqliteCommand command = _connection.CreateCommand();
#pragma warning disable CA2100 // Every statement is a constant of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.Transaction = transaction;
        foreach ((string name, string value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        command.ExecuteNonQuery();
    }
}
