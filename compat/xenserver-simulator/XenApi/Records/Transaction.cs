using NovaShim.XenServerSimulator.XenApi.Model;

namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>Changes that become visible, durable and an event together, or not at all.</summary>
internal sealed class Transaction(Database database)
{
    private readonly Dictionary<string, Record?> _staged = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, Record?> Staged => _staged;

    public Record? Find(string reference) => _staged.TryGetValue(reference, out Record? record) ? record : database.Find(reference);

    public Record Get(string className, string reference) =>
        Find(reference) is { } record && record.Class.Name == className ? record : throw ApiFailure.HandleInvalid(className, reference);

    public IEnumerable<Record> All(string className) => database.All(className)
        .Where(record => !_staged.ContainsKey(record.Ref))
        .Concat(_staged.Values.OfType<Record>().Where(record => record.Class.Name == className));

    /// <summary>Makes an object; fields that this API version lacks are left out.</summary>
    public string Create(string className, IEnumerable<KeyValuePair<string, object>> fields, string? uuid = null)
    {
        ClassModel model = database.Model[className];
        Record record = Record.New(model, $"OpaqueRef:{Guid.NewGuid()}", uuid ?? Guid.NewGuid().ToString());
        foreach ((string field, object value) in fields)
        {
            record = record.With(field, value);
        }

        _staged[record.Ref] = record;
        return record.Ref;
    }

    /// <summary>Sets a field of an object that may be gone by now, in which case nothing is left to set.</summary>
    public void Set(string reference, string field, object value)
    {
        if (Find(reference) is { } record)
        {
            _staged[reference] = record.With(field, value);
        }
    }

    public void Set(string reference, params IEnumerable<(string Field, object Value)> fields)
    {
        foreach ((string field, object value) in fields)
        {
            Set(reference, field, value);
        }
    }

    public void Delete(string reference) => _staged[reference] = null;
}
