namespace NovaShim.Compute.Images;

/// <summary>There is no such image, or it has been deleted meanwhile.</summary>
public sealed class ImageNotFoundException(string uuid) : Exception($"No image found with ID {uuid}");

/// <summary>The image's state does not allow it.</summary>
public sealed class ImageStateException(string message) : Exception(message);

/// <summary>The bytes are not what they are said to be.</summary>
public sealed class InvalidImageException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The bytes are more than an image may have, or than there is room for.</summary>
public sealed class ImageTooLargeException(string message, Exception? inner = null) : Exception(message, inner);
