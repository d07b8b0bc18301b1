using NovaShim.Api.Faults;
using NovaShim.Api.Flavors;
using NovaShim.Api.Requests;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Servers;

/// <summary>Which flavor a server may be resized to, by the rules of the surface. That the server is in a state for it is for the control plane to say.</summary>
internal sealed class ResizeRules(FlavorShelf flavors)
{
    /// <summary>The flavor of a <c>resize</c> body (<c>flavorRef</c>, or <c>flavorId</c> of v1.0), or the fault for one that cannot be.</summary>
    public async Task<Flavor> ChooseAsync(ApiRequest request, InstanceDocument instance, BodyField resize, CancellationToken cancellation)
    {
        var reference = resize.IsObject ? resize.Get("flavorRef", "flavorId") : null;
        var id = reference is { } given ? Texts.IdOfReference(given.Id().Trim()) : null;
        if (id is null or "")
        {
            throw Fault.BadRequest(request.IsLegacy
                ? id is null ? "Resize requests require 'flavorRef' attribute." : "Resize request has invalid 'flavorRef' attribute."
                : "Invalid input for field/attribute resize.flavorRef: the id or the URL of a flavor is required.");
        }

        var flavor = (await flavors.FindAsync(request, id, cancellation))?.ToFlavor()
            ?? throw Fault.BadRequest(request.IsLegacy ? "Unable to locate requested flavor." : $"Flavor {id} could not be found.");
        var now = instance.Flavor;
        if (flavor.FlavorId == now.FlavorId)
        {
            throw Fault.BadRequest(request.IsLegacy ? "Resize requires a change in size." : "When resizing, instances must change flavor!");
        }

        if (request.IsLegacy && flavor.MemoryMb < now.MemoryMb)
        {
            throw Fault.BadRequest("Resizing to a smaller size is not supported.");
        }

        // A disk is never made smaller: what the guest has at its end would be gone. 0 stands for the image's own size.
        return flavor.RootGb < now.RootGb || flavor.EphemeralGb < now.EphemeralGb
            ? throw Fault.BadRequest(request.IsLegacy ? "Resizing to a smaller size is not supported." : $"The disk of flavor {flavor.Name} is smaller than the server's.")
            : flavor;
    }
}
