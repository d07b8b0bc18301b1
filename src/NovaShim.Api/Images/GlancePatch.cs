using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>
/// A JSON patch of an image: <c>{"op": "replace", "path": "/name", "value": …}</c>, or as the first version of the API had it, <c>{"replace": "/name", "value": …}</c>. A path names one field
/// or property.
/// </summary>
internal static class GlancePatch
{
    private static readonly string[] Operations = ["add", "replace", "remove"];

    /// <summary>The operations, in order. Throws a 400 that names what is wrong with one.</summary>
    public static IReadOnlyList<Operation> Read(BodyField body)
    {
        var operations = new List<Operation>();
        foreach (var item in body.Items())
        {
            item.RequireObject();
            var verb = item.Get("op")?.Text() ?? Operations.FirstOrDefault(item.Has) ?? throw item.Invalid($"an operation is expected: {string.Join(", ", Operations)}");
            if (!Operations.Contains(verb))
            {
                throw item.Require("op").Invalid($"one of {string.Join(", ", Operations)} is expected");
            }

            var path = item.Get("path") ?? item.Require(verb);
            if (path.Text() is not ['/', .. { Length: > 0 } field] || field.Contains('/', StringComparison.Ordinal))
            {
                throw path.Invalid("a path to one field is expected, such as /name");
            }

            if (verb != "remove" && !item.Has("value"))
            {
                throw item.Invalid("the operation needs a value");
            }

            var name = Unescaped(field);
            var value = verb == "remove" ? default : new BodyField(item.Element.GetProperty("value"), name);
            operations.Add(new Operation(verb, name, value));
        }

        return operations;
    }

    /// <summary>Applies the operations. Throws a fault: 400, 403, 409, 413.</summary>
    public static ImageDocument Apply(ImageDocument image, IReadOnlyList<Operation> operations, bool isAdmin)
    {
        foreach (var operation in operations)
        {
            image = operation.Verb switch
            {
                "remove" => GlanceFields.Remove(image, operation.Field),
                "replace" when !GlanceFields.IsField(operation.Field) && !image.Metadata.ContainsKey(operation.Field) => throw Fault.Conflict($"Property {operation.Field} does not exist."),
                _ => GlanceFields.Set(image, operation.Field, operation.Value, isAdmin),
            };
        }

        return image;
    }

    // JSON pointers write ~ and / as ~0 and ~1.
    private static string Unescaped(string pointer) => pointer.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

    /// <summary>One operation.</summary>
    /// <param name="Verb"><c>add</c>, <c>replace</c> or <c>remove</c>.</param>
    /// <param name="Field">The field or property.</param>
    /// <param name="Value">The value; none for a removal.</param>
    internal readonly record struct Operation(string Verb, string Field, BodyField Value);
}
