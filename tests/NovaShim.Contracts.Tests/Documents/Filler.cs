using System.Collections;

namespace NovaShim.Contracts.Tests.Documents;

/// <summary>Makes an object of any record type with a value in everything, so that nothing that is forgotten in storing stays unseen.</summary>
internal static class Filler
{
    public static object Fill(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
        {
            return Enum.GetValues(type).GetValue(Enum.GetValues(type).Length - 1)!;
        }

        if (type.IsGenericType && type.IsAssignableTo(typeof(IEnumerable)))
        {
            return Collection(type);
        }

        return Type.GetTypeCode(type) switch
        {
            TypeCode.String => "é.$",
            TypeCode.Int32 => 7,
            TypeCode.Int64 => 1L << 53,
            TypeCode.Double => 0.25,
            TypeCode.Boolean => true,
            TypeCode.DateTime => new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc),
            TypeCode.Object when type != typeof(object) => Record(type),
            _ => throw new NotSupportedException($"The documents have got a property of type {type}: teach the filler, and see that both stores keep it."),
        };
    }

    private static object Collection(Type type)
    {
        var arguments = type.GetGenericArguments();
        if (arguments.Length == 2)
        {
            var dictionary = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(arguments))!;
            dictionary.Add("a.$key", Fill(arguments[1]));
            return dictionary;
        }

        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(arguments))!;
        list.Add(Fill(arguments[0]));
        list.Add(Fill(arguments[0]));
        return list;
    }

    private static object Record(Type type)
    {
        var constructor = type.GetConstructors().OrderBy(c => c.GetParameters().Length).First();
        var made = constructor.Invoke(constructor.GetParameters().Select(p => Fill(p.ParameterType)).ToArray());
        foreach (var property in type.GetProperties().Where(p => p.CanWrite))
        {
            property.SetValue(made, Fill(property.PropertyType));
        }

        return made;
    }
}
