namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>Objects as a client sees them: the stored fields and those that follow from other objects.</summary>
/// <param name="database">The objects.</param>
/// <param name="allowedOperations">Which operations an object allows at the moment; null where its stored value counts.</param>
internal sealed class ObjectView(Database database, Func<Record, IEnumerable<string>?> allowedOperations)
{
    /// <summary>A field's value; null when the class has no such field.</summary>
    public object? Field(Record record, string field)
    {
        if (!record.Class.Fields.ContainsKey(field))
        {
            return null;
        }

        if (Relations.TryFind(record.Class.Name, field, out (string FromClass, string FromField) source))
        {
            return Values.Set(database.All(source.FromClass).Where(r => r.Text(source.FromField) == record.Ref).Select(r => r.Ref));
        }

        return field == "allowed_operations" && allowedOperations(record) is { } allowed ? Values.Set(allowed) : record[field];
    }

    /// <summary>The whole object, with every field of its class.</summary>
    public ValueMap Read(Record record) =>
        record.Class.Fields.Values.ToDictionary(field => field.Name, field => Field(record, field.Name)!, StringComparer.Ordinal);
}
