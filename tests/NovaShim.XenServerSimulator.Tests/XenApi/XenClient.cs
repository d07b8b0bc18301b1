using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NovaShim.XenServerSimulator.Tests.XenApi;

/// <summary>A failure that came back over the wire.</summary>
public sealed class XenFailureException(IReadOnlyList<string> description) : Exception(string.Join(", ", description))
{
    public string Code { get; } = description[0];

    public IReadOnlyList<string> Description { get; } = description;
}

/// <summary>The least client that can call anything, over JSON-RPC 2.0.</summary>
public sealed class XenClient(string url) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(60) };
    private int _lastId;

    public string Session { get; private set; } = "";

    public HttpClient Http => _http;

    public static string[] Texts(params string[] texts) => texts;

    public async Task LoginAsync(string user, string password) =>
        Session = (await SendAsync("session.login_with_password", user, password)).GetString()!;

    /// <summary>Calls with the session as first parameter.</summary>
    public Task<JsonElement> CallAsync(string method, params object?[] parameters) => SendAsync(method, [Session, .. parameters]);

    public async Task<string> RefAsync(string method, params object?[] parameters) => (await CallAsync(method, parameters)).GetString()!;

    /// <summary>The one object of a class that there is only one of.</summary>
    public async Task<string> OnlyAsync(string className) => (await CallAsync($"{className}.get_all"))[0].GetString()!;

    public async Task<JsonElement> SendAsync(string method, params object?[] parameters)
    {
        JsonElement answer = await PostAsync(new { jsonrpc = "2.0", id = ++_lastId, method, @params = parameters });
        if (answer.TryGetProperty("error", out JsonElement error))
        {
            throw new XenFailureException([error.GetProperty("message").GetString()!, .. error.GetProperty("data").EnumerateArray().Select(p => p.GetString()!)]);
        }

        return answer.GetProperty("result");
    }

    public async Task<JsonElement> PostAsync(object body)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync("/jsonrpc", body);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    public async Task<XenFailureException> FailsAsync(string code, string method, params object?[] parameters)
    {
        XenFailureException failure = await Assert.ThrowsAsync<XenFailureException>(() => CallAsync(method, parameters));
        Assert.True(failure.Code == code, $"{method} gave {failure.Message} in place of {code}");
        return failure;
    }

    /// <summary>Waits until a task is no longer pending and returns its record.</summary>
    public async Task<JsonElement> TaskAsync(string task)
    {
        JsonElement record = default;
        await Poll.UntilAsync(
            async () =>
            {
                record = await CallAsync("task.get_record", task);
                return record.GetProperty("status").GetString() is not ("pending" or "cancelling");
            },
            "the task ends");
        return record;
    }

    public async Task<string> NewVmAsync(string name = "vm", long memory = 256L << 20)
    {
        JsonObject record = new()
        {
            ["name_label"] = name, ["user_version"] = 0, ["is_a_template"] = false, ["affinity"] = "", ["memory_static_max"] = memory,
            ["memory_dynamic_max"] = memory, ["memory_dynamic_min"] = memory, ["memory_static_min"] = 0, ["VCPUs_params"] = new JsonObject(),
            ["VCPUs_max"] = 2, ["VCPUs_at_startup"] = "2", ["actions_after_shutdown"] = "destroy", ["actions_after_reboot"] = "restart",
            ["actions_after_crash"] = "destroy", ["PV_bootloader"] = "", ["PV_kernel"] = "", ["PV_ramdisk"] = "", ["PV_args"] = "",
            ["PV_bootloader_args"] = "", ["PV_legacy_args"] = "", ["HVM_boot_policy"] = "BIOS order",
            ["HVM_boot_params"] = new JsonObject { ["order"] = "dc" }, ["platform"] = new JsonObject(), ["PCI_bus"] = "",
            ["other_config"] = new JsonObject { ["nova_uuid"] = "u1" }, ["recommendations"] = "",
        };
        return await RefAsync("VM.create", record);
    }

    public async Task<string> NewVdiAsync(long size = 8L << 20, bool readOnly = false) => await RefAsync("VDI.create", new JsonObject
    {
        ["SR"] = await OnlyAsync("SR"), ["virtual_size"] = size, ["type"] = "user", ["sharable"] = false, ["read_only"] = readOnly,
        ["name_label"] = "disk", ["other_config"] = new JsonObject(),
    });

    public Task<string> NewVbdAsync(string vm, string vdi, string device = "0", string mode = "RW", string type = "Disk") => RefAsync("VBD.create", new JsonObject
    {
        ["VM"] = vm, ["VDI"] = vdi, ["userdevice"] = device, ["bootable"] = true, ["mode"] = mode, ["type"] = type, ["empty"] = false,
        ["other_config"] = new JsonObject(), ["qos_algorithm_type"] = "", ["qos_algorithm_params"] = new JsonObject(),
    });

    public async Task<string> NewVifAsync(string vm, string mac = "", string device = "0") => await RefAsync("VIF.create", new JsonObject
    {
        ["device"] = device, ["network"] = await OnlyAsync("network"), ["VM"] = vm, ["MAC"] = mac, ["MTU"] = 1500,
        ["other_config"] = new JsonObject(), ["qos_algorithm_type"] = "", ["qos_algorithm_params"] = new JsonObject(),
    });

    public async Task<string> PowerStateAsync(string vm) => await RefAsync("VM.get_power_state", vm);

    public void Dispose() => _http.Dispose();
}
