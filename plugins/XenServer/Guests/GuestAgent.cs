using System.Text;
using System.Text.Json.Nodes;
using NovaShim.XenServer.Dom0;

namespace NovaShim.XenServer.Guests;

/// <summary>The agent in a VM's guest, with what it can be asked to do: the protocol of OpenStack's guest agents on XenServer. A method that returns has been obeyed.</summary>
internal sealed class GuestAgent(XenServerHost host, string vm)
{
    private const string Done = "0";
    private const string KeyExchanged = "D0";
    private const string Failed = "500";
    private const int KeyExchanges = 2;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly AgentChannel _channel = new(host, vm);
    private string[]? _features;

    /// <summary>The agent's version, as soon as it answers at all: a guest takes its time to boot.</summary>
    /// <exception cref="AgentException">It does not answer in the time that the host's settings give it.</exception>
    public async Task<string> WaitAsync(CancellationToken cancellation)
    {
        var began = host.Time.GetTimestamp();
        while (true)
        {
            try
            {
                return await AskAsync("version", "agent", host.Settings.AgentTimeout, [Done], cancellation);
            }
            catch (AgentException) when (host.Time.GetElapsedTime(began) < host.Settings.AgentVersionTimeout)
            {
                await Task.Delay(Pause, host.Time, cancellation);
            }
        }
    }

    /// <summary>Sets the administrator's password. One that the agent cannot read, because it has lost the key (it was started anew) or another exchange came in between, is sent again under a new one.</summary>
    public async Task SetPasswordAsync(string password, CancellationToken cancellation)
    {
        for (var exchange = 1; ; exchange++)
        {
            var key = new SharedKey();
            var theirs = await AskAsync("keyinit", key.Public, host.Settings.AgentTimeout, [KeyExchanged], cancellation);
            string hidden;
            try
            {
                // Some agents expect the line's end.
                hidden = key.Encrypt(password + "\n", theirs);
            }
            catch (FormatException e)
            {
                throw new AgentException($"The agent in the guest on {host.Name} has answered the exchange of keys with no number it could be.", e);
            }

            try
            {
                await AskAsync("password", hidden, host.Settings.AgentTimeout, [Done], cancellation);
                return;
            }
            catch (AgentException) when (exchange < KeyExchanges)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Puts a file into the guest, in place of one that is there. A file goes in one message, so it can be no larger than about 3,000 bytes.</summary>
    /// <exception cref="AgentException">It is too large, or the agent takes no files.</exception>
    public async Task PutFileAsync(string path, ReadOnlyMemory<byte> contents, CancellationToken cancellation)
    {
        _features ??= (await AskAsync("features", "", host.Settings.AgentTimeout, [Done], cancellation)).Split(',', StringSplitOptions.TrimEntries);
        var name = Encoding.UTF8.GetBytes(path);
        if (_features.Contains("file_inject"))
        {
            var value = new JsonObject { ["b64_path"] = Convert.ToBase64String(name), ["b64_file"] = Convert.ToBase64String(contents.Span) };
            await AskAsync("file_inject", value, host.Settings.AgentTimeout, [Done], cancellation);
            return;
        }

        if (!_features.Contains("injectfile"))
        {
            throw new AgentException($"The agent in the guest on {host.Name} takes no files.");
        }

        if (path.Contains(',', StringComparison.Ordinal))
        {
            throw new AgentException($"The agent in the guest on {host.Name} takes no file with a comma in its path.");
        }

        await AskAsync("injectfile", Convert.ToBase64String([.. name, (byte)',', .. contents.Span]), host.Settings.AgentTimeout, [Done], cancellation);
    }

    /// <summary>Has the guest set its network up anew. As Nova does, the code 500 is taken for success too, which old agents answer when they have done it.</summary>
    /// <returns>What the agent said with a 500; else empty.</returns>
    public Task<string> ResetNetworkAsync(CancellationToken cancellation) => AskAsync("resetnetwork", "", host.Settings.AgentResetNetworkTimeout, [Done, Failed], cancellation);

    private async Task<string> AskAsync(string command, JsonNode value, TimeSpan within, string[] successes, CancellationToken cancellation)
    {
        var answer = await _channel.AskAsync(command, value, within, cancellation);
        return successes.Contains(answer.Code)
            ? answer.Message
            : throw new AgentException($"The agent in the guest on {host.Name} has refused {command}: {answer.Message} ({answer.Code}).");
    }
}
