using System.Reflection;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Conventions;
using NovaShim.Compute.Documents;

namespace NovaShim.MongoDb;

/// <summary>
/// Tells the driver how the documents and the records in them are stored: snake_case names, <see cref="Document.Key"/> as <c>_id</c> and nothing else as such (Nova's integer <c>id</c> is a column like
/// any other), positional records made through their constructor, and dictionaries as <see cref="DictionarySerializer{TValue}"/> does.
/// </summary>
internal static class DocumentClassMaps
{
    private static readonly Lock Registering = new();

    private static readonly ConventionPack Conventions =
    [
        new ReadWriteMemberFinderConvention(),
        new DelegateMemberMapConvention("snake_case", m => m.SetElementName(ElementNames.Of(m.MemberName))),
        new DelegateMemberMapConvention("dictionaries as arrays", StoreAsArray),
        new IgnoreExtraElementsConvention(true),
    ];

    /// <summary>Registers a type and all that it holds. What is registered already stays as it is.</summary>
    public static void Register(Type type)
    {
        lock (Registering)
        {
            RegisterWithin(type);
        }
    }

    private static void RegisterWithin(Type type)
    {
        foreach (var part in Parts(type))
        {
            if (IsRecordOfOurs(part) && !BsonClassMap.IsClassMapRegistered(part))
            {
                var map = Map(part);
                BsonClassMap.RegisterClassMap(map);
                foreach (var member in map.DeclaredMemberMaps)
                {
                    RegisterWithin(member.MemberType);
                }
            }
        }
    }

    private static BsonClassMap Map(Type type)
    {
        BsonClassMap map;
        if (type.BaseType is { } parent && parent != typeof(object))
        {
            RegisterWithin(parent);
            map = new BsonClassMap(type, BsonClassMap.LookupClassMap(parent));
        }
        else
        {
            map = new BsonClassMap(type);
        }

        new ConventionRunner(Conventions).Apply(map);
        if (type == typeof(Document))
        {
            map.MapIdMember(type.GetProperty(nameof(Document.Key))!);
        }

        if (!type.IsAbstract && type.GetConstructor(Type.EmptyTypes) is null)
        {
            map.MapConstructor(PrimaryConstructor(type), PrimaryConstructor(type).GetParameters().Select(p => p.Name!).ToArray());
        }

        return map;
    }

    private static ConstructorInfo PrimaryConstructor(Type type) =>
        type.GetConstructors().SingleOrDefault(c => c.GetParameters().All(p => type.GetProperty(p.Name!)?.PropertyType == p.ParameterType))
        ?? throw new InvalidOperationException($"{type} cannot be stored: it has neither a constructor without parameters nor one whose parameters are its properties.");

    /// <summary>A type, or what it is a list, a dictionary or a nullable of.</summary>
    private static IEnumerable<Type> Parts(Type type) =>
        type.IsArray ? Parts(type.GetElementType()!) : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts) : [type];

    private static bool IsRecordOfOurs(Type type) => type.IsClass && type.Assembly != typeof(string).Assembly && !type.IsSubclassOf(typeof(Delegate));

    private static void StoreAsArray(BsonMemberMap member)
    {
        var type = member.MemberType;
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
        {
            member.SetSerializer((IBsonSerializer)Activator.CreateInstance(typeof(DictionarySerializer<>).MakeGenericType(type.GetGenericArguments()[1]))!);
        }
    }
}
