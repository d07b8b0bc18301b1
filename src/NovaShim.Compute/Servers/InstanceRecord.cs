using System.Globalization;
using NovaShim.Sdk;

namespace NovaShim.Compute.Servers;

/// <summary>A server's document as drivers see it.</summary>
public static class InstanceRecord
{
    /// <summary>The record of a document.</summary>
    public static Instance Of(InstanceDocument i) => new()
    {
        Uuid = i.Uuid, Name = NameOf(i.Id), DisplayName = i.DisplayName, ProjectId = i.ProjectId, UserId = i.UserId, Flavor = i.Flavor, Metadata = i.Metadata,
        KeyName = i.KeyName, KeyData = i.KeyData, UserData = i.UserData, ConfigDrive = i.ConfigDrive, AvailabilityZone = i.AvailabilityZone, LaunchIndex = i.LaunchIndex, WithoutNetwork = i.WithoutNetwork,
    };

    /// <summary>Nova's default <c>instance_name_template</c>.</summary>
    public static string NameOf(int id) => string.Create(CultureInfo.InvariantCulture, $"instance-{id:x8}");
}
