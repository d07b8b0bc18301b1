using System.Text.Json;

namespace NovaShim.XenServerSimulator.XenApi.Model;

/// <summary>
/// The classes of the API at one version, read from <c>datamodel.json</c>.
/// A field there is [type, qualifier, since, default]; a parameter is [type, name, default]; the default is left out where there is none.
/// </summary>
internal sealed class DataModel
{
    private DataModel(ApiVersion version, IReadOnlyDictionary<string, ClassModel> classes)
    {
        Version = version;
        Classes = classes;
    }

    public ApiVersion Version { get; }

    public IReadOnlyDictionary<string, ClassModel> Classes { get; }

    public ClassModel this[string className] => Classes[className];

    public static DataModel Load(ApiVersion version)
    {
        using Stream resource = typeof(DataModel).Assembly.GetManifestResourceStream("datamodel.json")
            ?? throw new InvalidOperationException("The data model is not in the program.");
        using JsonDocument document = JsonDocument.Parse(resource);
        Dictionary<string, IReadOnlyList<string>> enums = document.RootElement.GetProperty("enums").EnumerateObject()
            .ToDictionary(e => e.Name, e => (IReadOnlyList<string>)[.. e.Value.EnumerateArray().Select(literal => literal.GetString()!)]);
        return new DataModel(
            version,
            document.RootElement.GetProperty("classes").EnumerateObject().ToDictionary(c => c.Name, c => ReadClass(c.Name, c.Value, enums, version)));
    }

    private static ClassModel ReadClass(
        string name, JsonElement json, Dictionary<string, IReadOnlyList<string>> enums, ApiVersion version)
    {
        Dictionary<string, FieldModel> fields = [];
        foreach (JsonProperty field in json.GetProperty("fields").EnumerateObject())
        {
            if (version.Has(field.Value[2].GetString()!))
            {
                XenType type = XenType.Parse(field.Value[0].GetString()!, enums);
                fields[field.Name] = new FieldModel(
                    field.Name, type, Enum.Parse<Qualifier>(field.Value[1].GetString()!), Default(field.Value, 3, type, field.Name));
            }
        }

        Dictionary<string, MessageModel> messages = [];
        foreach (JsonProperty message in json.GetProperty("messages").EnumerateObject())
        {
            if (version.Has(message.Value.GetProperty("since").GetString()!))
            {
                messages[message.Name] = ReadMessage(message.Name, message.Value, enums);
            }
        }

        return new ClassModel(name, json.GetProperty("ctor").GetBoolean(), fields, messages);
    }

    private static MessageModel ReadMessage(string name, JsonElement json, Dictionary<string, IReadOnlyList<string>> enums)
    {
        List<ParameterModel> parameters = [];
        foreach (JsonElement parameter in json.GetProperty("params").EnumerateArray())
        {
            XenType type = XenType.Parse(parameter[0].GetString()!, enums);
            string parameterName = parameter[1].GetString()!;
            parameters.Add(new ParameterModel(parameterName, type, Default(parameter, 2, type, parameterName)));
        }

        return new MessageModel(
            name, parameters, json.TryGetProperty("result", out _), !json.TryGetProperty("open", out _), !json.TryGetProperty("sync", out _));
    }

    private static object? Default(JsonElement row, int index, XenType type, string name) =>
        row.GetArrayLength() > index ? type.Accept(Wire.JsonValues.Read(row[index]), name) : null;
}
