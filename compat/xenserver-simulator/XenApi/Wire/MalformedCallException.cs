namespace NovaShim.XenServerSimulator.XenApi.Wire;

/// <summary>What arrived is no call at all; XenServer answers it with HTTP 500 and a page, not with an API failure.</summary>
internal sealed class MalformedCallException(string reason) : Exception(reason);
