using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>What goes over the wire, byte for byte where it matters: both JSON-RPC versions and XML-RPC.</summary>
[Collection(OneHost.Name)]
public sealed class WireTests(RunningHost host)
{
    [Fact]
    public async Task JsonRpc_1_answers_with_result_error_and_id()
    {
        using XenClient client = await host.Process.LoginAsync();
        JsonElement good = await client.PostAsync(new { method = "pool.get_all", @params = new[] { client.Session }, id = "a" });
        Assert.Equal(["error", "id", "result"], good.EnumerateObject().Select(p => p.Name).Order());
        Assert.Equal(JsonValueKind.Null, good.GetProperty("error").ValueKind);
        Assert.Equal("a", good.GetProperty("id").GetString());
        JsonElement bad = await client.PostAsync(new { method = "VM.get_uuid", @params = new[] { client.Session, "OpaqueRef:no" }, id = 7 });
        Assert.Equal(JsonValueKind.Null, bad.GetProperty("result").ValueKind);
        Assert.Equal(["HANDLE_INVALID", "VM", "OpaqueRef:no"], bad.GetProperty("error").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal(7, bad.GetProperty("id").GetInt32());
    }

    [Fact]
    public async Task JsonRpc_2_answers_with_result_or_error_never_both()
    {
        using XenClient client = await host.Process.LoginAsync();
        JsonElement good = await client.PostAsync(new { jsonrpc = "2.0", method = "pool.get_all", @params = new[] { client.Session }, id = 1 });
        Assert.Equal(["id", "jsonrpc", "result"], good.EnumerateObject().Select(p => p.Name).Order());
        JsonElement bad = await client.PostAsync(new { jsonrpc = "2.0", method = "no.such", @params = new[] { client.Session }, id = 1 });
        Assert.Equal(["error", "id", "jsonrpc"], bad.EnumerateObject().Select(p => p.Name).Order());
        Assert.Equal(1, bad.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("MESSAGE_METHOD_UNKNOWN", bad.GetProperty("error").GetProperty("message").GetString());
        Assert.Equal("no.such", bad.GetProperty("error").GetProperty("data")[0].GetString());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"method\":\"pool.get_all\",\"params\":[]}")]
    [InlineData("{\"method\":\"pool.get_all\",\"params\":[],\"id\":null}")]
    [InlineData("{\"method\":\"pool.get_all\",\"id\":1}")]
    [InlineData("{\"method\":\"pool.get_all\",\"params\":{},\"id\":1}")]
    [InlineData("{\"jsonrpc\":\"1.1\",\"method\":\"pool.get_all\",\"params\":[],\"id\":1}")]
    [InlineData("{\"method\":3,\"params\":[],\"id\":1}")]
    [InlineData("{\"method\":\"pool.get_all\",\"params\":[\"\\ud800\"],\"id\":1}")]
    public async Task Malformed_json_is_HTTP_500_with_a_page(string body)
    {
        using HttpClient client = new();
        using HttpResponseMessage response = await client.PostAsync($"{host.Process.Url}/jsonrpc", new StringContent(body));
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no xml")]
    [InlineData("<methodResponse/>")]
    [InlineData("<methodCall><params/></methodCall>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b 'c'>]><methodCall><methodName>&b;</methodName></methodCall>")]
    [InlineData("<methodCall><methodName>a</methodName><params><param><value><i4>x</i4></value></param></params></methodCall>")]
    public async Task Malformed_xml_is_HTTP_500_with_a_page(string body)
    {
        using HttpClient client = new();
        using HttpResponseMessage response = await client.PostAsync($"{host.Process.Url}/", new StringContent(body));
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
    }

    [Theory]
    [InlineData("/", "<methodCall><methodName>", "<a>", "</a>", "</methodName></methodCall>")]
    [InlineData("/jsonrpc", "{\"method\":\"a\",\"id\":1,\"params\":", "[", "]", "}")]
    public async Task What_is_nested_without_end_is_malformed(string path, string start, string open, string close, string end)
    {
        using HttpClient client = new();
        int depth = 290_000 / (open.Length + close.Length);
        string body = start + string.Concat(Enumerable.Repeat(open, depth)) + string.Concat(Enumerable.Repeat(close, depth)) + end;
        using HttpResponseMessage response = await client.PostAsync(host.Process.Url + path, new StringContent(body));
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
    }

    [Fact]
    public async Task A_body_over_300_KiB_is_refused_and_one_below_is_not()
    {
        using HttpClient client = new();
        string call = "{\"jsonrpc\":\"2.0\",\"method\":\"system.isAlive:x\",\"params\":[\"" + new string('x', 290 * 1024) + "\"],\"id\":1}";
        using HttpResponseMessage taken = await client.PostAsync($"{host.Process.Url}/jsonrpc", new StringContent(call));
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        using HttpResponseMessage refused = await client.PostAsync($"{host.Process.Url}/jsonrpc", new StringContent(call + new string(' ', 20 * 1024)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
    }

    [Fact]
    public async Task Text_that_is_not_UTF8_is_an_invalid_value()
    {
        using HttpClient http = new();
        byte[] body = [.. Encoding.UTF8.GetBytes("{\"method\":\"VM.get_by_uuid\",\"params\":[\"s\",\"a"), 0xFF, .. Encoding.UTF8.GetBytes("b\"],\"id\":1}")];
        using HttpResponseMessage response = await http.PostAsync($"{host.Process.Url}/jsonrpc", new ByteArrayContent(body));
        JsonElement error = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()).GetProperty("error");
        Assert.Equal("INVALID_VALUE", error[0].GetString());
        Assert.Equal("Invalid UTF-8 string in parameter", error[1].GetString());
    }

    [Fact]
    public async Task XmlRpc_writes_strings_and_integers_without_a_tag()
    {
        using XenClient client = await host.Process.LoginAsync();
        string hostRef = await client.OnlyAsync("host");
        XElement value = await CallXmlAsync("host.get_record", client.Session, hostRef);
        Assert.Equal("Success", Member(value, "Status").Value);
        XElement record = Member(value, "Value");
        XElement major = Member(record, "API_version_major");
        Assert.False(major.HasElements);
        Assert.Equal("2", major.Value);
        Assert.Equal("xen1", Member(record, "name_label").Value);
        Assert.Equal("1", Member(record, "enabled").Element("boolean")?.Value);
        Assert.NotNull(Member(record, "PIFs").Element("array")?.Element("data"));
        Assert.NotNull(Member(record, "software_version").Element("struct"));
        XElement time = Member(await CallXmlAsync("host.get_servertime", client.Session, hostRef), "Value");
        Assert.Matches("^[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", time.Element("dateTime.iso8601")?.Value);
    }

    [Fact]
    public async Task XmlRpc_failures_are_a_Status_and_not_a_fault()
    {
        using XenClient client = await host.Process.LoginAsync();
        XElement value = await CallXmlAsync("VM.start", client.Session, "OpaqueRef:x");
        Assert.Equal("Failure", Member(value, "Status").Value);
        Assert.Equal(
            ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.start", "3", "1"],
            Member(value, "ErrorDescription").Descendants("data").Elements("value").Select(v => v.Value));
    }

    [Fact]
    public async Task XmlRpc_void_is_an_empty_string_and_event_counts_are_i4()
    {
        using XenClient client = await host.Process.LoginAsync();
        Assert.Equal("", Member(await CallXmlAsync("pool.sync_database", client.Session), "Value").Value);
        string body = $"<methodCall><methodName>event.from</methodName><params><param><value>{client.Session}</value></param>"
            + "<param><value><array><data><value>pool</value></data></array></value></param><param><value></value></param><param><value><double>0.5</double></value></param></params></methodCall>";
        XElement result = Member(await PostXmlAsync(body), "Value");
        Assert.Equal("1", Member(Member(result, "valid_ref_counts"), "pool").Element("i4")?.Value);
    }

    [Fact]
    public async Task ListMethods_needs_no_session_and_has_no_Status_over_XmlRpc()
    {
        XElement value = await CallXmlAsync("system.listMethods");
        string[] methods = [.. value.Element("array")!.Element("data")!.Elements("value").Select(v => v.Value)];
        Assert.Contains("Async.VM.clean_shutdown", methods);
        Assert.Contains("VM.clean_shutdown", methods);
        Assert.DoesNotContain("Async.session.login_with_password", methods);
        using XenClient client = new(host.Process.Url);
        Assert.Equal(methods.Length, (await client.SendAsync("system.listMethods")).GetArrayLength());
        Assert.Equal("hello", (await client.SendAsync("system.isAlive:hello", "hello")).GetString());
    }

    [Fact]
    public async Task A_session_of_one_transport_works_on_the_other()
    {
        XElement login = await CallXmlAsync("session.login_with_password", "root", host.Process.Password, "1.0", "test");
        using XenClient client = new(host.Process.Url);
        Assert.Equal(1, (await client.SendAsync("pool.get_all", Member(login, "Value").Value)).GetArrayLength());
    }

    [Fact]
    public async Task Integers_are_taken_as_numbers_and_as_decimal_strings()
    {
        using XenClient client = await host.Process.LoginAsync();
        string vm = await client.NewVmAsync();
        await client.CallAsync("VM.set_VCPUs_max", vm, "4");
        await client.CallAsync("VM.set_VCPUs_at_startup", vm, 3);
        Assert.Equal(3, (await client.CallAsync("VM.get_VCPUs_at_startup", vm)).GetInt64());
        await client.FailsAsync("FIELD_TYPE_ERROR", "VM.set_VCPUs_max", vm, "many");
        await client.FailsAsync("FIELD_TYPE_ERROR", "VM.set_name_label", vm, null);
    }

    private static XElement Member(XElement value, string name) =>
        value.Element("struct")!.Elements("member").Single(m => m.Element("name")!.Value == name).Element("value")!;

    private Task<XElement> CallXmlAsync(string method, params string[] parameters) => PostXmlAsync(new XElement(
        "methodCall",
        new XElement("methodName", method),
        new XElement("params", parameters.Select(p => new XElement("param", new XElement("value", p))))).ToString(SaveOptions.DisableFormatting));

    private async Task<XElement> PostXmlAsync(string body)
    {
        using HttpClient client = new();
        using StringContent content = new(body, Encoding.UTF8, new MediaTypeHeaderValue("text/xml"));
        using HttpResponseMessage response = await client.PostAsync($"{host.Process.Url}/", content);
        Assert.Equal("text/xml", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("*", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        return XDocument.Parse(await response.Content.ReadAsStringAsync()).Root!.Element("params")!.Element("param")!.Element("value")!;
    }
}
