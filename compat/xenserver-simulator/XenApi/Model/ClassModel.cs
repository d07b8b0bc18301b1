namespace NovaShim.XenServerSimulator.XenApi.Model;

/// <summary>Who may write a field: the server (<see cref="DynamicRO"/>), the constructor (<see cref="StaticRO"/>), or any caller (<see cref="RW"/>).</summary>
internal enum Qualifier
{
    DynamicRO,
    StaticRO,
    RW,
}

/// <param name="Name">The wire name, e.g. <c>memory_static_max</c>.</param>
/// <param name="Default">What a constructor record may leave out; null = it has to be given.</param>
internal sealed record FieldModel(string Name, XenType Type, Qualifier Qualifier, object? Default)
{
    public object Initial => Default ?? Type.Zero();
}

/// <param name="Default">Null = the caller has to give it.</param>
internal sealed record ParameterModel(string Name, XenType Type, object? Default);

/// <summary>A message that the data model names, beside those that follow from the fields.</summary>
internal sealed record MessageModel(string Name, IReadOnlyList<ParameterModel> Parameters, bool HasResult, bool NeedsSession, bool HasAsync);

/// <param name="HasConstructor">Whether clients may <c>create</c> and <c>destroy</c> objects of the class.</param>
internal sealed record ClassModel(
    string Name,
    bool HasConstructor,
    IReadOnlyDictionary<string, FieldModel> Fields,
    IReadOnlyDictionary<string, MessageModel> Messages)
{
    public bool HasNameLabel => Fields.ContainsKey("name_label");
}
