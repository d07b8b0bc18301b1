using NovaShim.Api.Faults;
using NovaShim.Api.Requests;

namespace NovaShim.Api.Servers.Actions;

/// <summary>The rule for actions that only administrators may ask for. They share their route with others, so the route cannot keep it.</summary>
internal static class AdministratorsOnly
{
    /// <summary>403 for anybody else, before anything is looked up.</summary>
    public static void Check(ApiRequest request, string what)
    {
        if (!request.IsAdmin)
        {
            throw Fault.Forbidden($"Policy doesn't allow {what} by anybody but an administrator.");
        }
    }
}
