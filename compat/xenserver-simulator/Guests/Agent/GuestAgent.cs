using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NovaShim.XenServerSimulator.Storage;

namespace NovaShim.XenServerSimulator.Guests.Agent;

/// <summary>
/// What runs in the guests of OpenStack on XenServer: takes requests from XenStore (<c>data/host/&lt;uuid&gt;</c>: JSON with name and value) and answers there (<c>data/guest/&lt;uuid&gt;</c>: JSON with returncode and
/// message), with the commands, codes and texts of the agent for Unix. What it is given it puts into the guest's files, the root password as a hash in <c>/etc/shadow</c>.
/// </summary>
internal sealed class GuestAgent
{
    private const string Requests = "data/host";
    private const string Answers = "data/guest";
    private const string Version = "1.39.1";
    private const int HashIterations = 20_000;

    private readonly GuestStore _store;
    private readonly GuestFiles _files;
    private readonly Dictionary<string, Func<JsonNode?, CancellationToken, Task<(string Code, string Message)>>> _commands;
    private PasswordKey? _key;

    public GuestAgent(GuestStore store, GuestFiles files, GuestAgentKind kind)
    {
        (_store, _files) = (store, files);
        _commands = new(StringComparer.Ordinal)
        {
            ["version"] = (_, _) => Done(Version),
            ["features"] = (_, _) => Done(string.Join(',', _commands!.Keys)),
            ["keyinit"] = (value, _) => Task.FromResult(ExchangeKeys(value)),
            ["password"] = SetPasswordAsync,
            ["injectfile"] = PutOldAsync,
            ["resetnetwork"] = ResetNetworkAsync,
        };
        if (kind == GuestAgentKind.On)
        {
            _commands["file_inject"] = PutAsync;
        }
    }

    /// <summary>Says that it listens: the first thing it does.</summary>
    public void Listen() => _store.Write(Requests, []);

    /// <summary>Answers what has been asked.</summary>
    public async Task ServeAsync(CancellationToken ct)
    {
        foreach (string request in _store.List(Requests))
        {
            if (_store.Read($"{Requests}/{request}") is not { } asked)
            {
                continue;
            }

            (string code, string message) = await AnswerAsync(asked, ct);
            _store.Remove($"{Requests}/{request}");
            _store.Write($"{Answers}/{request}", Encoding.ASCII.GetBytes(new JsonObject { ["returncode"] = code, ["message"] = message }.ToJsonString()));
        }
    }

    private static Task<(string Code, string Message)> Done(string message = "") => Task.FromResult(("0", message));

    private async Task<(string Code, string Message)> AnswerAsync(byte[] asked, CancellationToken ct)
    {
        JsonObject request;
        try
        {
            request = JsonNode.Parse(asked)?.AsObject() ?? throw new JsonException();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return ("500", "Request is malformed");
        }

        if (request["name"]?.ToString() is not { } name)
        {
            return ("500", "Request is missing 'name' key");
        }

        if (!_commands.TryGetValue(name, out Func<JsonNode?, CancellationToken, Task<(string, string)>>? command))
        {
            return ("404", $"No such agent command '{name}'");
        }

        try
        {
            return await command(request["value"], ct);
        }
        catch (Exception e) when (e is FormatException or IOException or StorageException or InvalidOperationException or JsonException)
        {
            return ("500", e.Message);
        }
    }

    private (string Code, string Message) ExchangeKeys(JsonNode? value)
    {
        _key = new PasswordKey(value?.ToString() ?? "");
        return ("D0", _key.Public);
    }

    private async Task<(string Code, string Message)> SetPasswordAsync(JsonNode? value, CancellationToken ct)
    {
        if (!TryBase64(value, out byte[] data))
        {
            return ("500", "Couldn't decode base64 data");
        }

        if (_key is null)
        {
            return ("500", "Password without key exchange");
        }

        byte[] password;
        try
        {
            password = _key.Decrypt(data);
        }
        catch (CryptographicException)
        {
            return ("500", "Invalid password data received");
        }

        byte[] salt = RandomNumberGenerator.GetBytes(16);
        byte[] hash = Rfc2898DeriveBytes.Pbkdf2(password.AsSpan().Trim((byte)'\n'), salt, HashIterations, HashAlgorithmName.SHA512, 64);
        await WriteAsync("/etc/shadow", Encoding.ASCII.GetBytes($"root:$pbkdf2-sha512${HashIterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}:::::::\n"), ct);
        _key = null;
        return ("0", "");
    }

    private async Task<(string Code, string Message)> PutOldAsync(JsonNode? value, CancellationToken ct)
    {
        if (!TryBase64(value, out byte[] data))
        {
            return ("500", "Error doing base64 decoding of data");
        }

        int comma = data.AsSpan().IndexOf((byte)',');
        return comma < 0 ? ("500", "need more than 1 value to unpack") : await PutAsync(Encoding.UTF8.GetString(data, 0, comma), data.AsMemory(comma + 1), ct);
    }

    private Task<(string Code, string Message)> PutAsync(JsonNode? value, CancellationToken ct) =>
        TryBase64(value?["b64_path"], out byte[] path) && TryBase64(value?["b64_file"], out byte[] content)
            ? PutAsync(Encoding.UTF8.GetString(path), content, ct)
            : Task.FromResult(("500", "Error doing base64 decoding of data"));

    private async Task<(string Code, string Message)> PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        if (!path.StartsWith('/') || path.EndsWith('/'))
        {
            return ("500", "[Errno 2] No such file or directory: ''");
        }

        await WriteAsync(path, content, ct);
        return ("0", "");
    }

    /// <summary>Writes the guest's interfaces as its control plane says, and nothing as long as one of them has no address.</summary>
    private async Task<(string Code, string Message)> ResetNetworkAsync(JsonNode? value, CancellationToken ct)
    {
        const string folder = "vm-data/networking";
        StringBuilder text = new("auto lo\niface lo inet loopback\n");
        foreach (string entry in _store.List(folder))
        {
            JsonNode told = JsonNode.Parse(_store.Read($"{folder}/{entry}") ?? [])!;
            if (told["mac"] is not { } mac)
            {
                return ("500", "No MAC found in config");
            }

            if (told["ips"] is not JsonArray { Count: > 0 } addresses)
            {
                return ("500", "No IPs found for interface");
            }

            text.Append("# Label ").AppendLine(told["label"]?.ToString()).Append("# ").AppendLine(mac.ToString());
            foreach (JsonNode? address in addresses)
            {
                text.AppendLine("iface inet static").Append("    address ").AppendLine(address?["ip"]?.ToString()).Append("    netmask ").AppendLine(address?["netmask"]?.ToString());
            }
        }

        await WriteAsync("/etc/network/interfaces", Encoding.UTF8.GetBytes(text.ToString()), ct);
        return ("0", "");
    }

    private Task WriteAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct) => _files.PutAsync(new GuestFile(path, content), ct);

    private static bool TryBase64(JsonNode? value, out byte[] data)
    {
        try
        {
            data = Convert.FromBase64String(value?.ToString() ?? "?");
            return true;
        }
        catch (FormatException)
        {
            data = [];
            return false;
        }
    }
}
