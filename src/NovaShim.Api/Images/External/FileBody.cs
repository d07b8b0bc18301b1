using System.Net;
using System.Net.Http.Headers;

namespace NovaShim.Api.Images.External;

/// <summary>A file as a request's body, which says of every part that it has gone.</summary>
internal sealed class FileBody : HttpContent
{
    private const int BufferSize = 1 << 18;

    private readonly string _file;
    private readonly long _length;
    private readonly Action _sent;

    public FileBody(string file, long length, Action sent)
    {
        (_file, _length, _sent) = (file, length, sent);
        Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        var buffer = new byte[BufferSize];
        while (await file.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            _sent();
        }
    }

    // Of a known length: Glance is often behind what reads no body that comes in chunks.
    protected override bool TryComputeLength(out long length)
    {
        length = _length;
        return true;
    }
}
