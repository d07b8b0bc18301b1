using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NovaShim.XenServer.Dom0;
using NovaShim.XenServer.Servers;
using NovaShim.XenServer.XenApi;

namespace NovaShim.XenServer.Guests;

/// <summary>What the agent said.</summary>
/// <param name="Code"><c>0</c> for done, <c>D0</c> for a key, an HTTP-like number for what went wrong.</param>
/// <param name="Message">For programs or people, by the command.</param>
internal sealed record AgentAnswer(string Code, string Message);

/// <summary>
/// The way to the agent in a guest: a request is a node of XenStore below the domain's <c>data/host</c>, which the agent takes away before it writes its answer below <c>data/guest</c>. Nothing of either is left when an
/// exchange is over, however it ends: dom0's half of it clears up when its time is up and when nobody here waits for it any more.
/// </summary>
internal sealed class AgentChannel(XenServerHost host, string vm)
{
    /// <summary>What one message to XenStore holds at most: the path, a zero and the value.</summary>
    private const int PayloadMax = 4096;

    private const int NoAnswer = 75;
    private const int NoDomain = 76;

    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    private readonly Session _session = host.Session;

    /// <summary>Asks, and waits for the answer. A guest that reboots meanwhile is asked again as soon as it is back.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="value">What goes with it: plain ASCII, so that neither JSON nor XenStore's programs write any of it otherwise. May be secret: is logged nowhere.</param>
    /// <param name="within">How long the agent may take.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="AgentException">No answer in time, no guest, or the request is too long.</exception>
    /// <exception cref="Dom0Exception">dom0 cannot be asked.</exception>
    public async Task<AgentAnswer> AskAsync(string command, JsonNode value, TimeSpan within, CancellationToken cancellation)
    {
        var request = new JsonObject { ["name"] = command, ["value"] = value }.ToJsonString(Plain);
        var began = host.Time.GetTimestamp();
        while (true)
        {
            var left = within - host.Time.GetElapsedTime(began);
            var record = await VM.get_record(_session, vm, cancellation);
            if (record.power_state != PowerStates.Running || record.domid < 0)
            {
                throw new AgentException($"{record.name_label} on {host.Name} is {record.power_state}: the agent in it cannot be asked ({command}).");
            }

            try
            {
                return Parse(command, await ExchangeAsync(command, record.domid, request, left, cancellation));
            }
            catch (Dom0Exception e) when (e.ExitCode == NoDomain && host.Time.GetElapsedTime(began) < within)
            {
                await Task.Delay(LookAgain, host.Time, cancellation);
            }
            catch (Dom0Exception e) when (e.ExitCode is NoAnswer or NoDomain)
            {
                throw new AgentException(string.Create(CultureInfo.InvariantCulture, $"The agent in {record.name_label} on {host.Name} has not answered to {command} within {within.TotalSeconds:0.#} s."));
            }
        }
    }

    /// <summary>Writes a node below the domain's place, for the guest to read whenever it likes; nothing happens when the VM has no domain.</summary>
    public Task WriteAsync(long domid, string key, string value, CancellationToken cancellation) => host.Dom0.RunAsync(
        "telling a guest its interfaces",
        """
        home=/local/domain/$1
        xenstore-exists "$home/vm" || exit 0
        exec xenstore-write "$home/$2" "$3"
        """,
        [Number(domid), key, value.Replace(@"\", @"\\", StringComparison.Ordinal)], cancellation);

    // Quotes and backslashes apart, what is printable ASCII is written as it is.
    private static JsonSerializerOptions Plain { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Number(long domid) => domid.ToString(CultureInfo.InvariantCulture);

    private Task<string> ExchangeAsync(string command, long domid, string request, TimeSpan within, CancellationToken cancellation)
    {
        var id = Guid.NewGuid().ToString();
        var length = $"/local/domain/{Number(domid)}/data/host/{id}".Length + 1 + Encoding.UTF8.GetByteCount(request);
        if (length > PayloadMax)
        {
            throw new AgentException($"A request of {length} bytes ({command}) does not fit into XenStore, which takes {PayloadMax}.");
        }

        var seconds = (int)Math.Ceiling(Math.Max(0, within.TotalSeconds));
        return host.Dom0.RunAsync(
            $"asking the agent in domain {Number(domid)} ({command})",
            $$"""
            home=/local/domain/$1 request=/local/domain/$1/data/host/$2 answer=/local/domain/$1/data/guest/$2 watching=
            lives() { xenstore-exists "$home/vm" 2>/dev/null; }
            clear_up() {
                [ -z "$watching" ] || kill "$watching" 2>/dev/null
                if lives; then xenstore-rm "$request"; xenstore-rm "$answer"; else xenstore-rm -t "$request"; fi >/dev/null 2>&1
            }
            now() { read -r up _ </proc/uptime; echo "${up%%.*}"; }
            lives || exit {{NoDomain}}
            trap clear_up EXIT
            trap 'exit 1' HUP INT TERM
            exec 3<&0
            ( trap 'exit 0' TERM; read -r _ <&3; kill $$ 2>/dev/null ) >/dev/null 2>&1 &
            watching=$!
            xenstore-write "$request" "$3" || exit 1
            end=$(($(now) + $4))
            until xenstore-read "$answer" 2>/dev/null; do
                lives || exit {{NoDomain}}
                [ "$(now)" -lt "$end" ] || exit {{NoAnswer}}
                sleep 0.3
            done
            """,
            [Number(domid), id, request, seconds.ToString(CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(seconds) + Slack + host.Settings.CommandTimeout, onOutput: null, cancellation);
    }

    private AgentAnswer Parse(string command, string shown)
    {
        try
        {
            var answer = JsonNode.Parse(XenStoreText.Parse(shown.TrimEnd('\n')))!;

            // Some agents end their messages with an escaped line end.
            return new AgentAnswer(answer["returncode"]!.ToString(), answer["message"]?.ToString().Replace(@"\r\n", "", StringComparison.Ordinal) ?? "");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new AgentException($"The answer of the agent on {host.Name} to {command} is not what an agent answers.", e);
        }
    }
}
