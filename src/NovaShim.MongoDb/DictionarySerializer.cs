using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Options;
using MongoDB.Bson.Serialization.Serializers;

namespace NovaShim.MongoDb;

/// <summary>
/// Stores a dictionary as an array of <c>{k, v}</c>: MongoDB gives dots and dollars in a field's name a meaning, and keys are the users'. Unlike the driver's own serializer of this interface it
/// tells queries what the array's items are, so that keys and values can be asked for.
/// </summary>
internal sealed class DictionarySerializer<TValue>()
    : DictionarySerializerBase<IReadOnlyDictionary<string, TValue>, string, TValue>(DictionaryRepresentation.ArrayOfDocuments)
{
    /// <summary>Whatever class the dictionary is of: the base would hand it to that class's own serializer.</summary>
    public override void Serialize(BsonSerializationContext context, BsonSerializationArgs args, IReadOnlyDictionary<string, TValue> value)
    {
        if (value is null)
        {
            context.Writer.WriteNull();
        }
        else
        {
            SerializeValue(context, args, value);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TValue> Deserialize(BsonDeserializationContext context, BsonDeserializationArgs args)
    {
        if (context.Reader.GetCurrentBsonType() != BsonType.Null)
        {
            return DeserializeValue(context, args);
        }

        context.Reader.ReadNull();
        return null!;
    }

    /// <inheritdoc/>
    protected override ICollection<KeyValuePair<string, TValue>> CreateAccumulator() => new Dictionary<string, TValue>();

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, TValue> FinalizeAccumulator(ICollection<KeyValuePair<string, TValue>> accumulator) => (Dictionary<string, TValue>)accumulator;
}
