namespace NovaShim.XenServerSimulator.XenApi;

/// <summary>A XenAPI failure: a code and its parameters, in the order in which a client receives them.</summary>
internal sealed class ApiFailure(string code, params IReadOnlyList<string> parameters)
    : Exception(parameters.Count == 0 ? code : $"{code}: {string.Join(", ", parameters)}")
{
    public string Code { get; } = code;

    public IReadOnlyList<string> Parameters { get; } = parameters;

    /// <summary>The wire form of XML-RPC, JSON-RPC 1.0 and <c>task.error_info</c>: [code, p1, …].</summary>
    public IReadOnlyList<string> Description => [Code, .. Parameters];

    public static ApiFailure HandleInvalid(string className, string reference) => new("HANDLE_INVALID", className, reference);

    public static ApiFailure InvalidValue(string field, string value) => new("INVALID_VALUE", field, value);

    public static ApiFailure NotAllowed(string reason) => new("OPERATION_NOT_ALLOWED", reason);

    public static ApiFailure Internal(string text) => new("INTERNAL_ERROR", text);
}
