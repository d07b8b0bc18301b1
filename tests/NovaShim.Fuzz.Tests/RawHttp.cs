using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace NovaShim.Fuzz.Tests;

/// <summary>A request byte by byte: what a library would not let through is sent all the same.</summary>
/// <param name="Method">The method's text.</param>
/// <param name="Target">What stands behind it in the first line.</param>
/// <param name="Headers">In order; a name may be there twice. Length and host are added where they are missing.</param>
/// <param name="Body">The body, or null.</param>
internal sealed record RawRequest(string Method, string Target, IReadOnlyList<(string Name, string Value)> Headers, byte[]? Body)
{
    /// <summary>What goes over the wire before the body. Texts are sent as UTF-8.</summary>
    public byte[] Head(string host)
    {
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Method} {Target} HTTP/1.1\r\n");
        foreach (var (name, value) in Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        head.Append(Has("Host") ? "" : $"Host: {host}\r\n").Append(Has("Connection") ? "" : "Connection: close\r\n");
        if (Body is not null && !Has("Content-Length") && !Has("Transfer-Encoding"))
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}\r\n");
        }

        return Encoding.UTF8.GetBytes(head.Append("\r\n").ToString());
    }

    /// <summary>For whoever has to find out what went wrong.</summary>
    public override string ToString()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Method} {Target}");
        foreach (var (name, value) in Headers.Where(h => h.Name != "X-Auth-Token"))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  {name}: {value}");
        }

        return Body is null ? text.ToString() : text.Append(CultureInfo.InvariantCulture, $"\n  {Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 2000)))}").ToString();
    }

    private bool Has(string name) => Headers.Any(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>What came back.</summary>
/// <param name="Status">The status; 0 when the connection ended without one.</param>
/// <param name="Headers">By name.</param>
/// <param name="Body">The body as text.</param>
/// <param name="Whole">Whether the body had the length that was announced.</param>
internal sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, string Body, bool Whole)
{
    /// <summary>Whether the face has seen the request: what is not HTTP at all never gets to it.</summary>
    public bool FromFace => Headers.ContainsKey("x-openstack-request-id");

    /// <summary>A header, or "".</summary>
    public string Header(string name) => Headers.GetValueOrDefault(name, "");
}

/// <summary>Sends raw requests over sockets, one connection for each.</summary>
internal sealed class RawHttp(Uri address)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Sends a request and reads its answer to the connection's end.</summary>
    public async Task<RawAnswer> SendAsync(RawRequest request)
    {
        using var end = new CancellationTokenSource(Patience);
        using var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port, end.Token);
        var stream = socket.GetStream();
        var answer = ReadAsync(stream, request.Method == "HEAD", end.Token);
        try
        {
            await stream.WriteAsync(request.Head(address.Authority), end.Token);
            if (request.Body is { Length: > 0 } body)
            {
                await stream.WriteAsync(body, end.Token);
            }
        }
        catch (Exception broken) when (broken is IOException or SocketException)
        {
            // It may answer and hang up before it has read everything: what it answered counts.
        }

        return await answer;
    }

    /// <summary>Sends the head and then the body in pieces with pauses between them, and reads what is answered meanwhile.</summary>
    public async Task<RawAnswer> SendSlowlyAsync(RawRequest request, int pieces, TimeSpan pause)
    {
        using var end = new CancellationTokenSource(Patience);
        using var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync(address.Host, address.Port, end.Token);
        var stream = socket.GetStream();
        var answer = ReadAsync(stream, request.Method == "HEAD", end.Token);
        try
        {
            await stream.WriteAsync(request.Head(address.Authority), end.Token);
            for (var piece = 0; piece < pieces && !answer.IsCompleted; piece++)
            {
                var from = request.Body!.Length * piece / pieces;
                await stream.WriteAsync(request.Body.AsMemory(from, (request.Body.Length * (piece + 1) / pieces) - from), end.Token);
                await Task.WhenAny(answer, Task.Delay(pause, end.Token));
            }
        }
        catch (Exception broken) when (broken is IOException or SocketException)
        {
            // As above.
        }

        return await answer;
    }

    private static async Task<RawAnswer> ReadAsync(NetworkStream stream, bool isHead, CancellationToken end)
    {
        using var memory = new MemoryStream();
        try
        {
            await stream.CopyToAsync(memory, end);
        }
        catch (IOException)
        {
            // A reset after the answer: what has come is judged.
        }

        return Parse(memory.ToArray(), isHead);
    }

    private static RawAnswer Parse(byte[] bytes, bool isHead)
    {
        var headEnd = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        if (headEnd < 0)
        {
            return new RawAnswer(0, new Dictionary<string, string>(), Encoding.UTF8.GetString(bytes), Whole: false);
        }

        var lines = Encoding.UTF8.GetString(bytes, 0, headEnd).Split("\r\n");
        var headers = lines[1..].Select(l => l.Split(": ", 2)).GroupBy(l => l[0], StringComparer.OrdinalIgnoreCase)
            .ToDictionary(g => g.Key, g => string.Join(", ", g.Select(l => l.Length > 1 ? l[1] : "")), StringComparer.OrdinalIgnoreCase);
        var body = bytes.AsSpan(headEnd + 4).ToArray();
        var whole = true;
        if (headers.TryGetValue("Transfer-Encoding", out var coding) && coding == "chunked")
        {
            (body, whole) = Unchunk(body);
        }
        else if (headers.TryGetValue("Content-Length", out var length) && !isHead)
        {
            whole = body.Length == int.Parse(length, CultureInfo.InvariantCulture);
        }

        return new RawAnswer(int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), headers, Encoding.UTF8.GetString(body), whole);
    }

    private static (byte[] Body, bool Whole) Unchunk(byte[] chunked)
    {
        using var body = new MemoryStream();
        for (var at = 0; at < chunked.Length;)
        {
            var lineEnd = chunked.AsSpan(at).IndexOf("\r\n"u8);
            if (lineEnd < 0 || !int.TryParse(Encoding.ASCII.GetString(chunked, at, lineEnd), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var size))
            {
                return (body.ToArray(), false);
            }

            at += lineEnd + 2;
            if (size == 0)
            {
                return (body.ToArray(), true);
            }

            if (at + size > chunked.Length)
            {
                return (body.ToArray(), false);
            }

            body.Write(chunked, at, size);
            at += size + 2;
        }

        return (body.ToArray(), false);
    }
}
