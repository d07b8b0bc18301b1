using System.Globalization;
using System.Net;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;
using NovaShim.Compute.SecurityGroups;

namespace NovaShim.Api.SecurityGroups;

/// <summary>Reads a rule from a body, by Nova's conditions for one.</summary>
internal sealed class RuleOfBody(SecurityGroupShelf groups)
{
    private const int MaxPort = 65535;
    private const int MaxIcmp = 255;

    /// <summary>The rule, still without an id, for a group that the user sees. Throws a 404 for a group that there is not, and a 400 that says what is wrong.</summary>
    public async Task<SecurityGroupRuleDocument> ReadAsync(ApiRequest request, BodyField body, CancellationToken cancellation)
    {
        var parent = await groups.RequireAsync(request, IdOf(body.Require("parent_group_id")), cancellation);
        var peer = body.Get("group_id") is { IsEmpty: false } named ? await groups.RequireAsync(request, IdOf(named), cancellation) : null;
        var protocol = body.Get("ip_protocol") is { IsEmpty: false } given ? given.Text(255).ToLowerInvariant() : null;
        var (from, to) = (PortOf(body.Get("from_port")), PortOf(body.Get("to_port")));
        if (peer is not null && protocol is not null && from is null && to is null)
        {
            // Between servers all of a protocol is open where nothing is said of ports.
            (from, to) = protocol == "icmp" ? (-1, -1) : (1, MaxPort);
        }

        if (protocol is not null && from is not null && to is not null)
        {
            Check(body.Require("ip_protocol"), protocol, from.Value, to.Value);
        }
        else if (peer is null)
        {
            throw Fault.BadRequest("Not enough parameters to build a valid rule.");
        }
        else
        {
            (protocol, from, to) = (null, null, null);
        }

        var cidr = peer is null ? CidrOf(body.Get("cidr")) : null;
        return new SecurityGroupRuleDocument
        {
            Key = SecurityGroupRuleDocument.KeyOf(parent.Id, protocol, from, to, cidr, peer?.Id), Id = 0, ParentGroupId = parent.Id, IpProtocol = protocol, FromPort = from, ToPort = to, Cidr = cidr,
            PeerGroupId = peer?.Id,
        };
    }

    private static int IdOf(BodyField field) =>
        int.TryParse(field.Id(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id) ? id : throw field.Invalid("Security group id should be integer");

    private static int? PortOf(BodyField? field) => field is { IsEmpty: false } given ? given.Integer() : null;

    private static void Check(BodyField field, string protocol, int from, int to)
    {
        if (protocol is not ("tcp" or "udp" or "icmp"))
        {
            throw field.Invalid($"Invalid IP protocol {protocol}.");
        }

        var wrong = protocol == "icmp"
            ? from is < -1 or > MaxIcmp || to is < -1 or > MaxIcmp ? "For ICMP, the type:code must be valid" : null
            : from > to ? "Former value cannot be greater than the later"
            : from < 1 || to > MaxPort ? $"Valid {protocol.ToUpperInvariant()} ports should be between 1-{MaxPort}"
            : null;
        if (wrong is not null)
        {
            throw Fault.BadRequest($"Invalid port range {from}:{to}. {wrong}");
        }
    }

    private static string CidrOf(BodyField? field)
    {
        if (field is not { IsEmpty: false } given)
        {
            return "0.0.0.0/0";
        }

        var text = given.Text(64).Trim();
        var withLength = text.Contains('/', StringComparison.Ordinal) ? text : text + (text.Contains(':', StringComparison.Ordinal) ? "/128" : "/32");
        return withLength.Split('/') is [var address, var length] && IPAddress.TryParse(address, out var parsed)
            && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
            && bits <= (parsed.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128)
            && (parsed.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || address.Split('.').Length == 4)
            ? withLength
            : throw Fault.BadRequest($"Invalid cidr {text}.");
    }
}
