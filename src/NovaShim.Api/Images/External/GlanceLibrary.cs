using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using NovaShim.Api.Faults;
using NovaShim.Compute.Documents;
using NovaShim.Compute.Images;
using NovaShim.Compute.Servers;
using NovaShim.Sdk;

namespace NovaShim.Api.Images.External;

/// <summary>
/// An external Glance's images as the control plane uses them. Bytes are fetched and sent with the service user's token: a server is built minutes after its request and built again after a failure, when the user's token
/// may have ended, and a token is a secret that is in no document and no message. Whether the user may is asked before, with the user's own token.
/// An image that a server is to be written to has a document in the store, too, as long as it is not known to be whole: whoever dies in between leaves a trace by which it is found and removed. What is sent is noted there
/// before: what Glance calls an image after a sender has died is one only if it is that.
/// </summary>
internal sealed partial class GlanceLibrary(
    GlanceImages images, GlanceClient glance, ImageCache cache, IDocumentStore store, TimeProvider time, IHttpContextAccessor http, ILogger<GlanceLibrary> log) : IImageLibrary
{
    private IDocumentCollection<ImageDocument> Begun => store.Collection<ImageDocument>();

    /// <inheritdoc/>
    public async Task<Image> OpenAsync(string uuid, CancellationToken cancellation)
    {
        try
        {
            var image = await RequireWholeAsync(uuid, cancellation);
            return await cache.GetAsync(image, (stream, token) => FetchAsync(image, stream, token), cancellation);
        }
        catch (FaultException e)
        {
            throw Failed(uuid, e);
        }
    }

    /// <inheritdoc/>
    public async Task RequireAsync(string uuid, CancellationToken cancellation)
    {
        try
        {
            await RequireWholeAsync(uuid, cancellation);
        }
        catch (FaultException e)
        {
            throw Failed(uuid, e);
        }
    }

    /// <inheritdoc/>
    public Task<ImageDocument?> FindAsync(string uuid, CancellationToken cancellation) => images.FindAsync(uuid, token: null, cancellation);

    /// <inheritdoc/>
    public async Task<ImageDocument> CreateSnapshotAsync(ImageDocument image, CancellationToken cancellation)
    {
        var begun = await Begun.InsertAsync(image with { Status = ImageStatuses.Queued, Location = null, Size = 0, Upload = null }, cancellation);
        var token = http.HttpContext?.Request.Headers["X-Auth-Token"] is [{ Length: > 0 } given, ..] ? given : null;
        try
        {
            return await images.CreateAsync(image, token is null ? image.ProjectId : null, token, cancellation);
        }
        catch (FaultException refused) when (refused.Status != StatusCodes.Status503ServiceUnavailable)
        {
            await Begun.DeleteAsync(begun, CancellationToken.None);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task ReceiveSnapshotAsync(string uuid, string owner, Func<Stream, CancellationToken, Task<SnapshotInfo>> write, CancellationToken cancellation)
    {
        try
        {
            var image = await RequireAsync();
            switch (image.Status)
            {
                case var whole when ImageStatuses.IsWhole(whole):
                    // A former run has come to the end.
                    break;
                case ImageStatuses.Saving:
                    // Glance does not know yet that a former sender is gone; it takes no other as long as that.
                    throw new StepFailedException($"Image {uuid} is still being written by a former try.");
                default:
                    await cache.StageAsync(uuid, write, (staged, token) => SendAsync(uuid, staged, token), cancellation);
                    image = await RequireAsync();
                    break;
            }

            await CheckAsync(image, cancellation);
            await ForgetAsync(uuid, CancellationToken.None);
        }
        catch (FaultException e)
        {
            throw Failed(uuid, e);
        }

        async Task<ImageDocument> RequireAsync() => await images.FindAsync(uuid, token: null, cancellation) ?? throw new ImageNotFoundException(uuid);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ImageDocument>> SnapshotsOfAsync(string projectId, string serverUuid, CancellationToken cancellation) =>
        await images.ListAsync($"owner={Uri.EscapeDataString(projectId)}&{SnapshotProperties.InstanceUuid}={Uri.EscapeDataString(serverUuid)}", token: null, cancellation);

    /// <inheritdoc/>
    public async Task AbandonAsync(string uuid, CancellationToken cancellation)
    {
        try
        {
            if (await images.FindAsync(uuid, token: null, cancellation) is { } image && !ImageStatuses.IsWhole(image.Status))
            {
                await DiscardAsync(image, cancellation);
            }

            await ForgetAsync(uuid, cancellation);
        }
        catch (FaultException e)
        {
            // Nobody waits for it: its document stays, by which it is found again.
            LogLater(uuid, e.Message);
        }
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string uuid, CancellationToken cancellation)
    {
        try
        {
            await RemoveAsync(uuid, cancellation);
        }
        catch (FaultException kept) when (kept.Status is StatusCodes.Status403Forbidden or StatusCodes.Status409Conflict)
        {
            // Protected by its owner, or in use by others. No other try will change that, and nothing depends on it.
            LogKept(uuid, kept.Message);
        }

        await ForgetAsync(uuid, cancellation);
    }

    // For who reads a server's fault: it is tried again.
    private static StepFailedException Failed(string uuid, FaultException e) => new($"Image {uuid}: {e.Message}", StepRecovery.Retry, e);

    private async Task<ImageDocument> RequireWholeAsync(string uuid, CancellationToken cancellation)
    {
        var image = await images.FindAsync(uuid, token: null, cancellation) ?? throw new StepFailedException($"Image {uuid} could not be found.", StepRecovery.Unwind);
        return image is { Status: ImageStatuses.Active, DiskFormat: not null } ? image : throw new StepFailedException($"Image {uuid} is {image.Status}: no server can be built from it.", StepRecovery.Unwind);
    }

    private async Task FetchAsync(ImageDocument image, Stream stream, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(glance.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            using var answer = await glance.SendAsync(HttpMethod.Get, $"images/{image.Uuid}/file", token: null, content: null, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                throw await glance.RefusalAsync(answer, image.Uuid, either.Token);
            }

            await using var body = await answer.Content.ReadAsStreamAsync(either.Token);
            var buffer = new byte[1 << 18];
            while (await body.ReadAsync(buffer, either.Token) is > 0 and var count)
            {
                limit.CancelAfter(glance.Patience);
                await stream.WriteAsync(buffer.AsMemory(0, count), cancellation);
            }
        }
        catch (HttpIOException broken)
        {
            throw glance.Away(broken.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw glance.Away("the image's bytes have stopped coming");
        }
    }

    private async Task SendAsync(string uuid, StagedImage staged, CancellationToken cancellation)
    {
        await ChangeFormatAsync(uuid, staged.DiskFormat, cancellation);
        await Begun.UpdateAsync(uuid, i => i with { Size = staged.Size, Checksum = staged.Md5, OsHashValue = staged.Sha512 }, cancellation);
        using var limit = new CancellationTokenSource(glance.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            using var answer = await glance.SendAsync(
                HttpMethod.Put, $"images/{uuid}/file", token: null, () => new FileBody(staged.File, staged.Size, () => limit.CancelAfter(glance.Patience)), HttpCompletionOption.ResponseContentRead, either.Token);
            switch (answer.StatusCode)
            {
                case HttpStatusCode.NoContent:
                    break;
                case HttpStatusCode.NotFound or HttpStatusCode.Gone:
                    throw new ImageNotFoundException(uuid);
                case HttpStatusCode.RequestEntityTooLarge:
                    throw new ImageTooLargeException((await glance.RefusalAsync(answer, uuid, cancellation)).Message);
                default:
                    // A conflict, too: an upload of before is not known to have ended yet.
                    throw await glance.RefusalAsync(answer, uuid, cancellation);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw glance.Away("it takes no more bytes of the image");
        }

    }

    private async Task CheckAsync(ImageDocument image, CancellationToken cancellation)
    {
        if (await Begun.GetAsync(image.Uuid, cancellation) is not { OsHashValue: { } sha512, Checksum: { } md5 } sent)
        {
            // Nothing has been sent from here: its owner has given it its bytes.
            return;
        }

        var same = image.OsHashValue is { } hash ? string.Equals(hash, sha512, StringComparison.OrdinalIgnoreCase) : string.Equals(image.Checksum, md5, StringComparison.OrdinalIgnoreCase);
        if (!same || image.Size != sent.Size || !ImageStatuses.IsWhole(image.Status))
        {
            await DiscardAsync(image, CancellationToken.None);
            throw new StepFailedException($"Image {image.Uuid} is not kept as it was sent: it has been removed.", StepRecovery.Unwind);
        }
    }

    private async Task ChangeFormatAsync(string uuid, string format, CancellationToken cancellation)
    {
        try
        {
            await images.ChangeAsync(uuid, [ExternalChange.To("disk_format", format), ExternalChange.To("container_format", "bare")], token: null, cancellation);
        }
        catch (FaultException gone) when (gone.Status == StatusCodes.Status404NotFound)
        {
            throw new ImageNotFoundException(uuid);
        }
    }

    // What is not what it was to be is of no use to who has protected it.
    private async Task DiscardAsync(ImageDocument image, CancellationToken cancellation)
    {
        if (image.Protected)
        {
            await images.ChangeAsync(image.Uuid, [ExternalChange.To("protected", false)], token: null, cancellation);
        }

        await RemoveAsync(image.Uuid, cancellation);
    }

    private async Task RemoveAsync(string uuid, CancellationToken cancellation)
    {
        try
        {
            await images.RemoveAsync(uuid, token: null, cancellation);
        }
        catch (FaultException gone) when (gone.Status == StatusCodes.Status404NotFound)
        {
            // A former run has come this far, or its owner has removed it.
        }
    }

    private async Task ForgetAsync(string uuid, CancellationToken cancellation)
    {
        while (await Begun.GetAsync(uuid, cancellation) is { } begun && !await Begun.DeleteAsync(begun, cancellation))
        {
            // Somebody has changed it in between.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Image {Uuid} was never written and cannot be removed yet; it is tried again: {Reason}")]
    private partial void LogLater(string uuid, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Image {Uuid} is of no use to its server any more, and stays where it is kept: {Reason}")]
    private partial void LogKept(string uuid, string reason);
}
