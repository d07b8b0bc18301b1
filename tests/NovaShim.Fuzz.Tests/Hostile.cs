using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace NovaShim.Fuzz.Tests;

/// <summary>What one would not like to be sent.</summary>
internal static class Hostile
{
    /// <summary>Values of every type, and of their edges, as JSON.</summary>
    public static readonly IReadOnlyList<string> Values =
    [
        "null", "true", "false", "0", "-1", "1", "-0", "0.5", "1e400", "-1e-400", "2147483648", "-2147483649", "9223372036854775808", "123456789012345678901234567890", "1E2",
        "\"\"", "\" \"", "\"null\"", "\"-1\"", "\"1e9\"", "\"99999999999999999999\"", "\"0x10\"", "\"１２\"", "[]", "[null]", "[[[]]]", "[1,\"a\",{}]", "{}", "{\"\":\"\"}", "{\"a\":{\"b\":[{}]}}", "{\"id\":[]}",
        "\"\\u0000\"", "\"a\\u0001b\\u001f\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\uffff\\ufffe\"", "\"\\u202eevil\"", "\"😀😀\"", "\"e\\u0301\"", "\"‮ ​\"", "\"\\u007f\\u0085\"", "\"\\n\\r\\t\"",
        "\"../../../etc/passwd\"", "\"$(reboot)\"", "\"';--\"", "\"%00%2e%2e\"", "\"http://\"", "\"http://host/\"", "\"////\"", "\"<x>&y;]]>\"", "\"{{7*7}}\"", "\"%s%n%d\"",
        $"\"{new string('x', 256)}\"", $"\"{new string('é', 300)}\"", $"\"{new string('9', 400)}\"", $"\"{new string('A', 70_000)}\"",
    ];

    /// <summary>Texts, unquoted.</summary>
    public static readonly IReadOnlyList<string> Texts =
    [
        "", " ", "0", "-1", "1.5", "99999999999999999999", "null", "undefined", "True", "..", ".", "*", "%", "\u202eevil", "😀", "e\u0301", "\u0085", "\uffff", "a\u0001b", "\u0000", "[", "(a+)+$", "(?<n", "\\", "a{99999}",
        "../../etc/passwd", "';--", "<x/>", "&amp;", "http://host/", "1,2", "in:", "in:\"", "2011-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999+14:00", "-99999", "ACTIVE", "none", new string('x', 300), new string('9', 4000),
    ];

    /// <summary>Bodies that are of no format, or nearly of one.</summary>
    public static byte[] Garbage(Random random) => random.Next(14) switch
    {
        0 => [],
        1 => [0xEF, 0xBB, 0xBF, .. "{}"u8],
        2 => [.. "{\"server\": {\"name\": \""u8, 0xC0, 0xAF, 0xFF, .. "\"}}"u8],
        3 => Encoding.Unicode.GetBytes("{\"server\": {}}"),
        4 => Encoding.UTF8.GetBytes(new string('[', random.Next(33, 20_000))),
        5 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", random.Next(33, 5_000)))),
        6 => "{'server': {}}"u8.ToArray(),
        7 => "{\"server\": {\"name\": \"a\",}}"u8.ToArray(),
        8 => "// comment\n{\"server\": {}} trailing"u8.ToArray(),
        9 => "NaN"u8.ToArray(),
        10 => "{\"server\": {\"name\": \"a\", \"name\": 1}, \"server\": null}"u8.ToArray(),
        11 => "{\"\\ud800\": {\"\\udc00\": 1}}"u8.ToArray(),
        12 => "server[name]=a&server[flavorRef]=1"u8.ToArray(),
        _ => RandomBytes(random, random.Next(1, 400)),
    };

    /// <summary>Documents in XML that want to be refused, or to be read with care.</summary>
    public static byte[] Xml(Random random, string root) => random.Next(16) switch
    {
        0 => Encoding.UTF8.GetBytes($"<!DOCTYPE {root} [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]><{root} name='&c;'/>"),
        1 => Encoding.UTF8.GetBytes($"<!DOCTYPE {root} SYSTEM 'file:///etc/passwd'><{root}/>"),
        2 => Encoding.UTF8.GetBytes($"<!DOCTYPE {root} [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><{root} name='x'>&x;</{root}>"),
        3 => Encoding.UTF8.GetBytes($"<!DOCTYPE {root} [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/p'>%p;]><{root}/>"),
        4 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"<{root}>", random.Next(33, 3_000)))),
        5 => Encoding.UTF8.GetBytes($"<{root} {string.Join(' ', Enumerable.Range(0, random.Next(2, 6_000)).Select(i => $"a{i}='1'"))}/>"),
        6 => Encoding.UTF8.GetBytes($"<?xml version='1.0' encoding='utf-16'?><{root}/>"),
        7 => Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes($"<{root} name='a'/>")).ToArray(),
        8 => Encoding.UTF8.GetBytes($"<{root} name='&#0;'/>"),
        9 => Encoding.UTF8.GetBytes($"<{root} name='a' name='b'/>"),
        10 => Encoding.UTF8.GetBytes($"<x:{root} xmlns:x='urn:other' x:name='a' xmlns:y='urn:y' y:z='1'/>"),
        11 => Encoding.UTF8.GetBytes($"<x:{root}/>"),
        12 => Encoding.UTF8.GetBytes($"<{root}><![CDATA[ {new string('<', 1000)} ]]><!-- - --><?pi x?></{root}>"),
        13 => Encoding.UTF8.GetBytes($"<{root}><metadata><meta key=''>{new string('v', 300)}</meta><meta>x</meta></metadata></{root}>"),
        14 => Encoding.UTF8.GetBytes($"<{root}>text<a/>text</{root}><{root}/>"),
        _ => Encoding.UTF8.GetBytes($"<?xml version='1.1' standalone='maybe'?><{root}/>"),
    };

    /// <summary>Headers that are wrong, doubled or far too long.</summary>
    public static (string Name, string Value) Header(Random random) => random.Next(24) switch
    {
        0 => ("Accept", "application/xml;q=banana"),
        1 => ("Accept", "*/*;q=0, ;;;,,"),
        2 => ("Accept", "text/html, application/xhtml+xml, image/*;q=0.9"),
        3 => ("Accept", "\u00e9"),
        4 => ("Content-Type", "application/json; charset=utf-7"),
        5 => ("Content-Type", "application/json, application/xml"),
        6 => ("Content-Type", ";"),
        7 => ("X-OpenStack-Nova-API-Version", Pick(random, Texts.Where(IsHeader).ToList())),
        8 => ("OpenStack-API-Version", "compute 2.1, compute 2.99, volume"),
        9 => ("OpenStack-API-Version", "compute"),
        10 => ("X-Auth-Token", "wrong"),
        11 => ("X-Auth-Token", new string('t', 5000)),
        12 => ("X-Auth-User", Pick(random, Texts.Where(IsHeader).ToList())),
        13 => ("X-Auth-Project-Id", "other"),
        14 => ("X-Forwarded-Host", "evil.example"),
        15 => ("X-Forwarded-Proto", "gopher"),
        16 => ("Accept-Language", "xx-XX;q=9"),
        17 => ("Accept-Encoding", "gzip, br;q=2"),
        18 => ("If-None-Match", "\"*"),
        19 => ("Range", "bytes=5-1"),
        20 => ("Expect", "100-continue"),
        21 => ("X-Subject-Token", "none"),
        22 => ("Cookie", new string('c', 3000)),
        _ => ("X-HTTP-Method-Override", "DELETE"),
    };

    /// <summary>One of them.</summary>
    public static T Pick<T>(Random random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    /// <summary>A tree of random content, as deep as is told.</summary>
    public static JsonNode? Tree(Random random, int depth) => random.Next(depth > 0 ? 6 : 4) switch
    {
        0 => null,
        1 => JsonValue.Create(random.Next()),
        2 => JsonValue.Create(random.Next().ToString(CultureInfo.InvariantCulture)),
        3 => JsonValue.Create(random.Next(2) == 0),
        4 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Tree(random, depth - 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(4)).Select(i => KeyValuePair.Create($"k{i}", Tree(random, depth - 1)))),
    };

    private static bool IsHeader(string text) => text.Length is > 0 and < 500 && text.All(c => c is >= ' ' and < '\u007f');

    private static byte[] RandomBytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
