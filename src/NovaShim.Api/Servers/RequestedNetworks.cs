using System.Net;
using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers;

/// <summary>
/// What a create body says of networks. There is no network service: a server is in the one network that its host gives it, or in none where that is asked for; a network or a port that is named
/// cannot be found.
/// </summary>
internal static class RequestedNetworks
{
    /// <summary>Whether a server without any interface is asked for; a fault when it is for a network that there is not.</summary>
    public static bool AreNone(BodyField? networks)
    {
        if (networks is not { IsEmpty: false } given)
        {
            return false;
        }

        if (given.IsText)
        {
            // As clients say it from microversion 2.37 on, and the SDK before.
            return given.Text() switch { "auto" => false, "none" => true, _ => throw given.Invalid("auto, none or an array is expected") };
        }

        foreach (var item in given.Items())
        {
            item.RequireObject();
            if (item.Get("fixed_ip") is { } address && !IPAddress.TryParse(address.Text(), out _))
            {
                throw Fault.BadRequest($"Invalid fixed IP address ({address.Text()}): {address.Name}");
            }

            if (item.Get("port") is { } port)
            {
                throw Fault.BadRequest($"Port id {port.Text()} could not be found: {port.Name}");
            }

            var id = item.Get("uuid") is { } uuid ? uuid : throw Fault.BadRequest($"Bad network format: missing 'uuid' in {item.Name}");
            throw Fault.BadRequest(Guid.TryParse(id.Text(), out _) ? $"Network {id.Text()} could not be found: {id.Name}" : $"Bad networks format: network uuid is not in proper format ({id.Text()}): {id.Name}");
        }

        return false;
    }
}
