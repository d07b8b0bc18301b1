using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NovaShim.Api.Tests;
using NovaShim.Api.Tests.Spec;

namespace NovaShim.Fuzz.Tests;

/// <summary>A request to be sent, and what may be expected of it.</summary>
/// <param name="Route">The route it is about.</param>
/// <param name="Raw">What goes over the wire.</param>
/// <param name="MayBeNoHttp">Whether its first line or its headers may be none that HTTP knows: then the server may refuse it before the face sees it.</param>
/// <param name="WantsXml">Whether it asks, beyond doubt, for XML where XML is spoken.</param>
internal sealed record FuzzedRequest(FuzzedRoute Route, RawRequest Raw, bool MayBeNoHttp, bool WantsXml);

/// <summary>Makes requests: each from a route, a number and nothing else, so that any one can be made again.</summary>
internal sealed partial class RequestMaker(Scene scene)
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "QUERY"];
    private static readonly string[] QueryNames =
    [
        "limit", "marker", "name", "status", "image", "flavor", "ip", "changes-since", "all_tenants", "tenant_id", "host", "deleted", "reservation_id", "minRam", "minDisk", "is_public", "fresh", "sort_key",
        "$filter", "$orderby", "$top", "$skip", "$count", "$select", "$expand", "$apply", "$search", "$format", "start", "end", "detailed", "vm_state", "task_state", "user_id", "visibility", "server",
    ];

    private static readonly string[] Queries =
    [
        "$filter=DisplayName eq 'x'", "$filter=contains(DisplayName,'x') or length(DisplayName) gt 5", "$filter=((((((((((Id eq 1))))))))))", "$filter=Id div 0 eq 1", "$filter=Nope eq 1", "$filter=", "$filter='",
        "$filter=matchesPattern(DisplayName,'(a+)+$')", "$orderby=Id desc,Id,Id,Id,Id,Id", "$top=-1", "$top=999999999999", "$skip=-5", "$select=*,Nope", "$select=Saga/Nope", "$count=maybe", "$expand=Saga", "$apply=aggregate(Id with sum as S)",
        "$filter=cast(Id,'Edm.Guid') eq null", "$filter=CreatedAt gt 0001-01-01T00:00:00Z", "$filter=Id eq 9223372036854775808", "$filter=year(CreatedAt) eq 2026 and not (Id in (1,2,3))", "$filter=Metadata/any(m:m eq 'x')",
        "limit=1&limit=2&limit=x", "marker=&marker=&limit=", "&&&==&=", "limit=%31%30", "name=%ff%fe", "name=%00", "changes-since=2026-01-01T00:00:00%2B99:99",
    ];

    /// <summary>Request number <paramref name="number"/> of a seed.</summary>
    public FuzzedRequest Make(int seed, int number)
    {
        var random = new Random(unchecked((seed * 1_000_003) + number));

        // Every route gets its share, in turn; what is done to it is random.
        var route = scene.Routes[number % scene.Routes.Count];
        var user = route.AdminOnly ? Weighted(random, ("admin", 16), ("alice", 2), ("bob", 1), ("", 1)) : Weighted(random, ("alice", 14), ("admin", 3), ("bob", 2), ("", 1));
        var method = random.Next(25) == 0 ? Hostile.Pick(random, Methods) : route.Method;
        var (path, oddPath) = Path(random, route, user);
        var headers = new List<(string Name, string Value)>();
        if (user.Length > 0)
        {
            headers.Add(("X-Auth-Token", scene.Tokens[user]));
        }

        if (random.Next(3) == 0 || path.EndsWith('?'))
        {
            path += (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + Query(random);
        }

        var wantsXml = route.SpeaksXml && random.Next(3) == 0;
        if (wantsXml)
        {
            headers.Add(("Accept", "application/xml"));
        }

        // A first line of more than 8 KiB is refused by HTTP's server itself.
        var odd = oddPath || path.Length > 8_000;
        for (var more = random.Next(12) == 0 ? random.Next(1, 4) : 0; more > 0; more--)
        {
            var header = Hostile.Header(random);
            odd |= header.Value.Any(c => c is < ' ' or > '~') || header.Value.Length > 2_000;
            wantsXml &= header.Name != "Accept";
            headers.Add(header);
        }

        var body = route.Method is "POST" or "PUT" or "PATCH" || random.Next(20) == 0 ? Body(random, route, headers) : null;
        return new FuzzedRequest(route, new RawRequest(method, path, headers, body), odd || method is not ("GET" or "POST" or "PUT" or "DELETE" or "PATCH" or "HEAD"), wantsXml && !odd && method == route.Method && !path.Contains(".json", StringComparison.Ordinal) && !path.Contains(".atom", StringComparison.Ordinal));
    }

    /// <summary>The path of a route with what is there.</summary>
    public string PlainPath(FuzzedRoute route, string user) => Parameters().Replace(route.Pattern, m => Uri.EscapeDataString(ValueOf(m.Groups[2].Value, route.Pattern[..m.Index], user)));

    private byte[] Body(Random random, FuzzedRoute route, List<(string Name, string Value)> headers)
    {
        var valid = ValidBodies.Of(route, scene) is { Count: > 0 } bodies ? Hostile.Pick(random, bodies) : Hostile.Tree(random, 3) ?? new JsonObject();
        var asXml = route.SpeaksXml && random.Next(3) == 0;
        if (random.Next(20) != 0)
        {
            headers.Add(("Content-Type", asXml ? Hostile.Pick(random, ["application/xml", "application/vnd.openstack.compute-v1.1+xml", "text/xml; charset=utf-8"]) : "application/json"));
        }

        var root = valid is JsonObject { Count: > 0 } members ? members.First().Key : "x";
        return (asXml, random.Next(10)) switch
        {
            (true, < 4) => Encoding.UTF8.GetBytes(XmlForm.Of(valid, text => random.Next(4) == 0 ? Hostile.Pick(random, Hostile.Texts) : text)),
            (true, < 6) => Mutation.Scratch(random, Encoding.UTF8.GetBytes(XmlForm.Of(valid))),
            (true, _) => Hostile.Xml(random, XmlName().IsMatch(root) ? root : "server"),
            (false, < 6) => Encoding.UTF8.GetBytes(Mutation.Random(random, valid)),
            (false, < 7) => Encoding.UTF8.GetBytes(valid.ToJsonString()),
            (false, < 8) => Mutation.Scratch(random, Encoding.UTF8.GetBytes(valid.ToJsonString())),
            _ => Hostile.Garbage(random),
        };
    }

    private (string Path, bool Odd) Path(Random random, FuzzedRoute route, string user)
    {
        var odd = false;
        var path = Parameters().Replace(route.Pattern, m =>
        {
            if (random.Next(8) != 0)
            {
                return Uri.EscapeDataString(ValueOf(m.Groups[2].Value, route.Pattern[..m.Index], user));
            }

            var hostile = random.Next(8) switch
            {
                0 => "%zz", 1 => "%c0%af", 2 => "%2e%2e%2f", 3 => "a%0d%0ab", 4 => "%F0%9F%98%80", 5 => user == "alice" ? scene.OthersServerId : scene.ServerId, 6 => "%E2%80%AE",
                _ => Uri.EscapeDataString(Hostile.Pick(random, Hostile.Texts)),
            };

            // What is no UTF-8, or has a NUL in it, HTTP's server itself refuses.
            odd |= hostile.Contains("%00", StringComparison.Ordinal) || hostile.Contains("%c0", StringComparison.Ordinal) || hostile.Length > 3_000;
            return hostile;
        });
        switch (random.Next(40))
        {
            case 0:
                return (path.Replace("/", "//", StringComparison.Ordinal), odd);
            case 1:
                return (path + Hostile.Pick(random, [".json", ".xml", ".atom", ".json.xml", "/", "/x", "%20", ".."]), odd);
            case 2:
                return (path.ToUpperInvariant(), odd);
            case 3:
                return ("/../.." + path + "/./..", odd);
            case 4:
                return (Hostile.Pick(random, ["*", "http://other.example/v2.1/servers", "/\\..\\", "/é", "/v2.1/servers#x", "v2.1/servers", "/" + new string('a', 9000), "/v1.1/" + new string('/', 200)]), true);
            default:
                return (path, odd);
        }
    }

    private static string Query(Random random) => random.Next(3) == 0
        ? string.Join('&', Hostile.Pick(random, Queries).Split('&').Select(q => q.Contains('%', StringComparison.Ordinal) ? q : q.Split('=', 2) is [var name, var value] ? $"{name}={Uri.EscapeDataString(value)}" : q))
        : string.Join('&', Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"{Hostile.Pick(random, QueryNames)}={Uri.EscapeDataString(Hostile.Pick(random, Hostile.Texts))}"));

    private string ValueOf(string name, string before, string user) => name switch
    {
        "tenant_id" => scene.Tenants[user.Length == 0 ? "alice" : user],
        "project_id" => scene.Tenants["alice"],
        "key" => "k",
        "alias" => "OS-DCF",
        "network" => "private",
        "path" => "openapi.json",
        "id" when before.EndsWith("servers/", StringComparison.Ordinal) => scene.ServerId,
        "id" when before.EndsWith("images/", StringComparison.Ordinal) => user == "admin" ? "no-such-image" : Face.ImageId,
        "id" when before.EndsWith("flavors/", StringComparison.Ordinal) => Scene.FlavorId,
        _ => "1",
    };

    private static string Weighted(Random random, params ReadOnlySpan<(string Value, int Weight)> choices)
    {
        var sum = 0;
        foreach (var (_, weight) in choices)
        {
            sum += weight;
        }

        var at = random.Next(sum);
        foreach (var (value, weight) in choices)
        {
            at -= weight;
            if (at < 0)
            {
                return value;
            }
        }

        throw new InvalidOperationException("The weights do not add up.");
    }

    [GeneratedRegex(@"\{(\**)(\w+)\??\}")]
    private static partial Regex Parameters();

    [GeneratedRegex(@"^[A-Za-z_][\w.-]*$")]
    private static partial Regex XmlName();
}
