using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using NovaShim.XenServerSimulator.Storage;
using NovaShim.XenServerSimulator.XenApi.Records;
using NovaShim.XenServerSimulator.XenApi.Repositories;
using NovaShim.XenServerSimulator.XenApi.Sessions;
using NovaShim.XenServerSimulator.XenApi.Tasks;

namespace NovaShim.XenServerSimulator.XenApi.Transfers;

/// <summary>
/// <c>PUT /import_raw_vdi</c> and <c>GET /export_raw_vdi</c>: a disk's content over HTTP. A session's reference or basic authentication lets
/// a client in; the task it names (or one made for it) has progress and outcome.
/// </summary>
internal sealed partial class RawVdiEndpoints(
    Database database, StorageRepository storage, VdiMessages vdis, SessionBook sessions, TaskBook tasks, ILogger log)
{
    private const string Import = "import_raw_vdi", Export = "export_raw_vdi";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut($"/{Import}", context => HandleAsync(context, Import, ImportAsync));
        routes.MapGet($"/{Export}", context => HandleAsync(context, Export, ExportAsync));
    }

    private async Task HandleAsync(HttpContext context, string name, Func<HttpContext, IProgress<double>, CancellationToken, Task> work)
    {
        HttpRequest request = context.Request;
        if (!IsKnown(request))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"xen\"";
            return;
        }

        if (name == Import && Format(request) == "vhd" && request.ContentLength is null)
        {
            // A VHD is not taken in chunked encoding.
            context.Response.StatusCode = StatusCodes.Status411LengthRequired;
            return;
        }

        try
        {
            string task = request.Query["task_id"].ToString();
            task = task.Length > 0 ? (database.Find(task) ?? database.FindByUuid("task", task))?.Ref ?? throw ApiFailure.HandleInvalid("task", task) : tasks.Create(name, "");
            await tasks.RunAsync(
                task,
                async (progress, cancellation) =>
                {
                    using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, context.RequestAborted);
                    try
                    {
                        await work(context, progress, stop.Token);
                    }
                    catch (StorageException error)
                    {
                        throw StorageFailures.Translate(error);
                    }
                    catch (Exception error) when (error is IOException or BadHttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
                    {
                        throw new ApiFailure("VDI_IO_ERROR", error.Message);
                    }

                    return null;
                },
                rethrow: true);
        }
        catch (ApiFailure failure)
        {
            LogFailed(name, failure.Message);
            if (context.Response.HasStarted)
            {
                // Too late for a status: the client learns from the broken stream that it has not got everything.
                context.Abort();
                return;
            }

            context.Response.Clear();
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync(failure.Message, CancellationToken.None);
        }
    }

    private async Task ImportAsync(HttpContext context, IProgress<double> progress, CancellationToken cancellation)
    {
        string format = KnownFormat(context.Request);
        Record vdi = vdis.Detached(Find(context.Request, "vdi").Ref, "import");
        if (vdi.Flag("read_only"))
        {
            throw new ApiFailure("VDI_READONLY", vdi.Ref);
        }

        await storage.ImportAsync(vdi.Uuid, context.Request.Body, context.Request.ContentLength, format, progress, cancellation);
        await vdis.UpdateAsync(vdi, cancellation);
        context.Response.StatusCode = StatusCodes.Status200OK;
    }

    private async Task ExportAsync(HttpContext context, IProgress<double> progress, CancellationToken cancellation)
    {
        string format = KnownFormat(context.Request);
        Record vdi = Find(context.Request, "vdi");
        string? baseUuid = context.Request.Query.ContainsKey("base") ? Find(context.Request, "base").Uuid : null;
        vdis.AssertAttached(vdi.Text("SR"));
        context.Response.ContentType = "application/octet-stream";
        if (format == "raw")
        {
            context.Response.ContentLength = vdi.Int("virtual_size");
        }

        await storage.ExportAsync(vdi.Uuid, context.Response.Body, format, baseUuid, progress, cancellation);
    }

    private static string Format(HttpRequest request) => request.Query["format"].ToString() is { Length: > 0 } format ? format : "raw";

    private static string KnownFormat(HttpRequest request) =>
        Format(request) is "raw" or "vhd" ? Format(request) : throw ApiFailure.InvalidValue("format", Format(request));

    private Record Find(HttpRequest request, string parameter)
    {
        string name = request.Query[parameter].ToString();
        return database.Find(name) is { Class.Name: "VDI" } found ? found
            : database.FindByUuid("VDI", name) ?? throw ApiFailure.HandleInvalid("VDI", name);
    }

    private bool IsKnown(HttpRequest request)
    {
        try
        {
            if (request.Query["session_id"].ToString() is { Length: > 0 } session)
            {
                sessions.Check(session);
                return true;
            }

            string authorization = request.Headers.Authorization.ToString();
            if (!authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            string[] pair = Encoding.UTF8.GetString(Convert.FromBase64String(authorization[6..].Trim())).Split(':', 2);
            if (pair.Length == 2)
            {
                sessions.CheckPassword(pair[0], pair[1]);
                return true;
            }

            return false;
        }
        catch (Exception error) when (error is ApiFailure or FormatException)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Handler} failed: {Reason}")]
    private partial void LogFailed(string handler, string reason);
}
