using System.Text.RegularExpressions;
using NovaShim.Api.Faults;
using NovaShim.Api.Representations;
using NovaShim.Api.Requests;
using NovaShim.Compute.Hosts;
using NovaShim.Compute.Servers;

namespace NovaShim.Api.Servers.Actions;

/// <summary>A server's console: what it has written, and ways to a live one, of which no driver has any.</summary>
internal sealed partial class ConsoleActions(HostQuestions hosts, ServerLookup lookup) : IServerActions
{
    public IEnumerable<(string Name, ServerActionHandler Handler)> Actions =>
    [
        ("os-getConsoleOutput", GetOutputAsync),
        ("os-getVNCConsole", Unavailable("novnc", "xvpvnc")),
        ("os-getSPICEConsole", Unavailable("spice-html5")),
        ("os-getRDPConsole", Unavailable("rdp-html5")),
        ("os-getSerialConsole", Unavailable("serial")),
    ];

    private async Task<Answer> GetOutputAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        var instance = await lookup.RequireAsync(request, cancellation);
        int? lines = null;
        if (body.Get("length") is { IsEmpty: false } length)
        {
            lines = length.Integer() switch
            {
                -1 => null,
                >= 0 and var n => n,
                _ => throw length.Invalid("a number of lines is expected, or -1 for all of them"),
            };
        }

        return Answer.Of(new ConsoleOutputEnvelope(Unprintable().Replace(await hosts.ConsoleOutputAsync(instance, lines, request.Context, cancellation), "")), ApiJson.Default.ConsoleOutputEnvelope);
    }

    private ServerActionHandler Unavailable(params string[] types) => async (request, body, cancellation) =>
    {
        await lookup.RequireAsync(request, cancellation);
        var type = body.Require("type");
        throw types.Contains(type.Text()) ? Fault.BadRequest($"Unavailable console type {type.Text()}.") : type.Invalid($"one of {string.Join(", ", types)} is expected");
    };

    // What no document can carry in every format.
    [GeneratedRegex("[\x00-\x08\x0B-\x1F]")]
    private static partial Regex Unprintable();
}
