using NovaShim.XenServerSimulator.XenApi.Model;

namespace NovaShim.XenServerSimulator.XenApi.Calls;

/// <summary>Reads a constructor's record: unknown keys and what only the server may write are passed over, fields with a default may be missing.</summary>
internal static class Constructor
{
    /// <exception cref="ApiFailure">INTERNAL_ERROR naming the field that is missing; FIELD_TYPE_ERROR [field].</exception>
    public static Dictionary<string, object> Fields(ClassModel type, ValueMap record)
    {
        Dictionary<string, object> fields = new(StringComparer.Ordinal);
        foreach (FieldModel field in type.Fields.Values.Where(field => field.Qualifier != Qualifier.DynamicRO))
        {
            fields[field.Name] = record.TryGetValue(field.Name, out object? value)
                ? field.Type.Accept(value, field.Name)
                : field.Default ?? throw ApiFailure.Internal($"{type.Name}.create: the record has no field {field.Name}");
        }

        return fields;
    }
}
