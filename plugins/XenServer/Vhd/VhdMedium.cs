using Microsoft.Win32.SafeHandles;

namespace NovaShim.Vhd;

/// <summary>The bytes an image lives in. One call is one step: a process killed between two leaves the first done and the second not.</summary>
internal abstract class VhdMedium : IDisposable
{
    public abstract long Length { get; }

    /// <summary>The file's time of change; what a child remembers of its parent.</summary>
    public abstract DateTimeOffset ChangedAt { get; }

    /// <summary>Fills the buffer; a file that ends before is a format error, because callers know its length.</summary>
    public abstract void Read(long offset, Span<byte> buffer);

    /// <summary>Writes, growing the file with zeros where it is too short.</summary>
    public abstract void Write(long offset, ReadOnlySpan<byte> buffer);

    public abstract void SetLength(long length);

    /// <summary>Makes everything written so far durable.</summary>
    public abstract void Flush();

    public abstract void Dispose();
}

/// <summary>An image in a file, read and written in place without a buffer of its own.</summary>
internal sealed class FileMedium(string path, SafeFileHandle handle) : VhdMedium
{
    public static FileMedium Open(string path, bool writable) => new(path, File.OpenHandle(
        path,
        FileMode.Open,
        writable ? FileAccess.ReadWrite : FileAccess.Read,
        FileShare.ReadWrite | FileShare.Delete));

    public static FileMedium Create(string path) => new(path, File.OpenHandle(
        path,
        FileMode.Create,
        FileAccess.ReadWrite,
        FileShare.ReadWrite | FileShare.Delete));

    public override long Length => RandomAccess.GetLength(handle);

    public override DateTimeOffset ChangedAt => File.GetLastWriteTimeUtc(handle);

    public override void Read(long offset, Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var count = RandomAccess.Read(handle, buffer, offset);
            if (count == 0)
            {
                throw new VhdFormatException($"{path}: the file ends at {offset}, in the middle of what its tables say is there");
            }

            offset += count;
            buffer = buffer[count..];
        }
    }

    public override void Write(long offset, ReadOnlySpan<byte> buffer) => RandomAccess.Write(handle, buffer, offset);

    public override void SetLength(long length) => RandomAccess.SetLength(handle, length);

    public override void Flush() => RandomAccess.FlushToDisk(handle);

    public override void Dispose() => handle.Dispose();
}
