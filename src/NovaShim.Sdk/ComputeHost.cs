using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace NovaShim.Sdk;

/// <summary>What a compute manager is constructed with: the one host it is to drive.</summary>
/// <param name="Name">The host's name as the control plane knows it (Nova's <c>host</c>).</param>
/// <param name="Settings">The driver's settings of this host, as they stand below its entry in the configuration. May hold secrets: never log them.</param>
/// <param name="LoggerFactory">Where to log.</param>
/// <param name="Time">The clock to read and to wait by.</param>
public sealed record ComputeHost(string Name, IConfiguration Settings, ILoggerFactory LoggerFactory, TimeProvider Time);
