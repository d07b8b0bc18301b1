using System.Text.Json.Serialization;

namespace NovaShim.Api.Absent;

/// <summary>A volume of a server, of which there are none.</summary>
internal sealed record VolumeAttachmentView(string Id);

/// <summary>A server's volumes.</summary>
internal sealed record VolumeAttachmentsEnvelope([property: JsonPropertyName("volumeAttachments")] IReadOnlyList<VolumeAttachmentView> VolumeAttachments);
