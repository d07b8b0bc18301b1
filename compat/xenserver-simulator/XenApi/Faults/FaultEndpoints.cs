using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NovaShim.XenServerSimulator.Dom0;
using NovaShim.XenServerSimulator.XenApi.Calls;
using NovaShim.XenServerSimulator.XenApi.Machines;
using NovaShim.XenServerSimulator.XenApi.Sessions;

namespace NovaShim.XenServerSimulator.XenApi.Faults;

/// <summary><c>/simulator/faults</c>, which no real XenServer has: POST a <see cref="FaultRequest"/>, GET what still waits, DELETE all of it; GET <c>/simulator/faults/held</c>: the messages whose calls stand still now.</summary>
internal sealed class FaultEndpoints(
    FaultBook faults, MessageTable messages, SessionBook sessions, VmOperations operations, HostMemory memory, Action<TimeSpan> refuse, Func<ControlDomain> dom0)
{
    private const string Path = "/simulator/faults";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, PostAsync);
        routes.MapGet(Path, context => context.Response.WriteAsJsonAsync(faults.Waiting, FaultJson.Default.IReadOnlyListFault));
        routes.MapGet(Path + "/held", context => context.Response.WriteAsJsonAsync(faults.Held, FaultJson.Default.IReadOnlyListString));
        routes.MapDelete(Path, async context =>
        {
            await ClearAsync(context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        });
    }

    private async Task PostAsync(HttpContext context)
    {
        string? wrong;
        try
        {
            FaultRequest? request = await context.Request.ReadFromJsonAsync(FaultJson.Default.FaultRequest, context.RequestAborted);
            wrong = request is null ? "the body is empty" : await SetAsync(request, context.RequestAborted);
        }
        catch (JsonException error)
        {
            wrong = error.Message;
        }

        context.Response.StatusCode = wrong is null ? StatusCodes.Status204NoContent : StatusCodes.Status400BadRequest;
        if (wrong is not null)
        {
            await context.Response.WriteAsync(wrong, context.RequestAborted);
        }
    }

    /// <returns>What is wrong with the request; null when it is in force.</returns>
    private async Task<string?> SetAsync(FaultRequest request, CancellationToken cancellation)
    {
        switch (request)
        {
            case { Kind: "fail" or "hang" } when request.Method is null || messages.Find(request.Method) is null:
                return $"method: there is no message {request.Method}";
            case { Kind: "fail", Error: null or [] }:
                return "error: a code is needed";
            case { Times: < 1 }:
                return "times: at least 1";
            case { Kind: "fail" }:
                faults.Add(request.Method, request.Error, request.After, request.Times ?? 1, TimeSpan.FromSeconds(request.Seconds ?? 0));
                return null;
            case { Kind: "hang" }:
                faults.Add(request.Method, null, false, request.Times ?? 1, TimeSpan.Zero);
                return null;
            case { Kind: "refuse", Seconds: > 0 and <= 3600 }:
                refuse(TimeSpan.FromSeconds(request.Seconds.Value));
                return null;
            case { Kind: "expire-sessions" }:
                sessions.EndAll();
                return null;
            case { Kind: "session-lifetime", Seconds: >= 0 and <= 86400 * 365 }:
                sessions.Lifetime = TimeSpan.FromSeconds(request.Seconds.Value);
                return null;
            case { Kind: "conflict-wait", Seconds: >= 0 and <= 86400 }:
                operations.ConflictWait = TimeSpan.FromSeconds(request.Seconds.Value);
                return null;
            case { Kind: "withhold-memory", Bytes: >= 0 }:
                memory.Withheld = request.Bytes.Value;
                return null;
            case { Kind: "restart-sshd", Seconds: >= 0 and <= 3600 }:
                await dom0().RestartSshdAsync(TimeSpan.FromSeconds(request.Seconds.Value), strange: false, cancellation);
                return null;
            case { Kind: "strange-host-key" }:
                await dom0().RestartSshdAsync(TimeSpan.Zero, strange: true, cancellation);
                return null;
            case { Kind: "clear" }:
                await ClearAsync(cancellation);
                return null;
            default:
                return $"kind: {request.Kind} is unknown or lacks what it needs";
        }
    }

    private async Task ClearAsync(CancellationToken cancellation)
    {
        faults.Lift();
        memory.Withheld = 0;
        if (dom0().IsStrange)
        {
            await dom0().RestartSshdAsync(TimeSpan.Zero, strange: false, cancellation);
        }
    }
}
