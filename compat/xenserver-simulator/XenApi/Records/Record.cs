using System.Collections.Immutable;
using NovaShim.XenServerSimulator.XenApi.Model;

namespace NovaShim.XenServerSimulator.XenApi.Records;

/// <summary>One object at one moment: its stored fields never change, a change makes a new version.</summary>
/// <param name="Created">The database generation that made the object.</param>
/// <param name="Modified">The database generation of this version.</param>
internal sealed record Record(ClassModel Class, string Ref, ImmutableDictionary<string, object> Fields, long Created, long Modified)
{
    public object this[string field] => Fields.TryGetValue(field, out object? value) ? value : Class.Fields[field].Initial;

    public string Uuid => Text("uuid");

    /// <summary>The string of a field; "" when this API version does not have the field.</summary>
    public string Text(string field) => Fields.TryGetValue(field, out object? value) ? (string)value : "";

    public long Int(string field) => Fields.TryGetValue(field, out object? value) ? (long)value : 0;

    public bool Flag(string field) => Fields.TryGetValue(field, out object? value) && (bool)value;

    public ValueMap Map(string field) => Fields.TryGetValue(field, out object? value) ? (ValueMap)value : Values.NoMap;

    public ValueSet Set(string field) => Fields.TryGetValue(field, out object? value) ? (ValueSet)value : Values.NoSet;

    public Record With(string field, object value) => Class.Fields.ContainsKey(field) ? this with { Fields = Fields.SetItem(field, value) } : this;

    public static Record New(ClassModel model, string reference, string uuid) => new(
        model,
        reference,
        model.Fields.Values.ToImmutableDictionary(field => field.Name, field => field.Initial).SetItem("uuid", uuid),
        0,
        0);
}
