using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Images;

namespace NovaShim.Api.Images;

/// <summary>The JSON schemas by which some clients of the Image API know its documents.</summary>
internal static class GlanceSchemas
{
    private static readonly (string Name, string Description, string[] Types, bool ReadOnly, string[] Values)[] ImageFields =
    [
        ("id", "An identifier for the image", ["string"], false, []),
        ("name", "Descriptive name for the image", ["null", "string"], false, []),
        ("status", "Status of the image", ["string"], true, [ImageStatuses.Queued, ImageStatuses.Saving, ImageStatuses.Active, ImageStatuses.Deactivated, ImageStatuses.Killed]),
        ("visibility", "Scope of image accessibility", ["string"], false, [.. ImageVisibilities.All]),
        ("protected", "If true, image will not be deletable", ["boolean"], false, []),
        ("os_hidden", "If true, image will not appear in the default list of images", ["boolean"], false, []),
        ("checksum", "md5 hash of image contents", ["null", "string"], true, []),
        ("os_hash_algo", "Algorithm to calculate the os_hash_value", ["null", "string"], true, []),
        ("os_hash_value", "Hexdigest of the image contents using the algorithm specified by the os_hash_algo", ["null", "string"], true, []),
        ("owner", "Owner of the image", ["null", "string"], false, []),
        ("size", "Size of image file in bytes", ["null", "integer"], true, []),
        ("virtual_size", "Virtual size of image in bytes", ["null", "integer"], true, []),
        ("container_format", "Format of the container", ["null", "string"], false, ["bare"]),
        ("disk_format", "Format of the disk", ["null", "string"], false, ["vhd", "raw"]),
        ("created_at", "Date and time of image registration", ["string"], true, []),
        ("updated_at", "Date and time of the last image modification", ["string"], true, []),
        ("tags", "List of strings related to the image", ["array"], false, []),
        ("min_ram", "Amount of ram (in MB) required to boot image", ["integer"], false, []),
        ("min_disk", "Amount of disk space (in GB) required to boot image", ["integer"], false, []),
        ("self", "The image's path", ["string"], true, []),
        ("file", "The path of the image's data", ["string"], true, []),
        ("schema", "The path of this schema", ["string"], true, []),
    ];

    private static readonly (string Name, string Description, string[] Types, bool ReadOnly, string[] Values)[] MemberFields =
    [
        ("member_id", "An identifier for the image member (tenantId)", ["string"], true, []),
        ("image_id", "An identifier for the image", ["string"], true, []),
        ("status", "The status of this image member", ["string"], false, ["pending", "accepted", "rejected"]),
        ("created_at", "Date and time of image member creation", ["string"], true, []),
        ("updated_at", "Date and time of last modification of image member", ["string"], true, []),
        ("schema", "The path of this schema", ["string"], true, []),
    ];

    /// <summary>Maps the schemas.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.OnGet("/image/v2/schemas/{name}", (request, _) => Task.FromResult(Answer.Of(
            request.Route("name") switch
            {
                "image" => Image(),
                "images" => ListOf("images", Image()),
                "member" => Object("member", MemberFields),
                "members" => ListOf("members", Object("member", MemberFields)),
                var other => throw Fault.NotFound($"There is no schema {other}."),
            },
            JsonTree.Default.JsonObject))).NeedsToken();

    private static JsonObject Image()
    {
        var schema = Object("image", ImageFields);
        schema["additionalProperties"] = new JsonObject { ["type"] = "string" };
        schema["links"] = new JsonArray(
            new JsonObject { ["rel"] = "self", ["href"] = "{self}" }, new JsonObject { ["rel"] = "enclosure", ["href"] = "{file}" }, new JsonObject { ["rel"] = "describedby", ["href"] = "{schema}" });
        return schema;
    }

    private static JsonObject ListOf(string name, JsonObject item) => new()
    {
        ["name"] = name,
        ["properties"] = new JsonObject
        {
            [name] = new JsonObject { ["type"] = "array", ["items"] = item },
            ["first"] = new JsonObject { ["type"] = "string" },
            ["next"] = new JsonObject { ["type"] = "string" },
            ["schema"] = new JsonObject { ["type"] = "string" },
        },
        ["links"] = new JsonArray(
            new JsonObject { ["rel"] = "first", ["href"] = "{first}" }, new JsonObject { ["rel"] = "next", ["href"] = "{next}" }, new JsonObject { ["rel"] = "describedby", ["href"] = "{schema}" }),
    };

    private static JsonObject Object(string name, (string Name, string Description, string[] Types, bool ReadOnly, string[] Values)[] fields)
    {
        var properties = new JsonObject();
        foreach (var (field, description, types, readOnly, values) in fields)
        {
            var property = new JsonObject { ["description"] = description, ["type"] = types is [var one] ? one : Texts(types) };
            if (readOnly)
            {
                property["readOnly"] = true;
            }

            if (values.Length > 0)
            {
                // A field that may be null says so among its values, too.
                property["enum"] = types[0] == "null" ? new JsonArray([null, .. values.Select(v => (JsonNode)v)]) : Texts(values);
            }

            if (types is ["array"])
            {
                property["items"] = new JsonObject { ["type"] = "string", ["maxLength"] = 255 };
            }

            properties[field] = property;
        }

        return new JsonObject { ["name"] = name, ["properties"] = properties };
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode)t)]);
}
