using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using NovaShim.Sdk;

namespace NovaShim.XenServer.ConfigDrive;

/// <summary>A network interface as a guest is told of it: it asks the network for its address.</summary>
/// <param name="Device">Its place in the VM: <c>0</c>, <c>1</c> …</param>
/// <param name="Uuid">The interface's UUID.</param>
/// <param name="Mac">Its address, by which the guest knows it.</param>
/// <param name="Mtu">Bytes of a packet.</param>
/// <param name="NetworkUuid">The UUID of the network it is on.</param>
internal sealed record GuestInterface(string Device, string Uuid, string Mac, long Mtu, string NetworkUuid);

/// <summary>
/// What a guest finds on its config drive: the files, of the names and forms that Nova's metadata has (nova/api/metadata), in a folder for each version of that and in <c>latest</c>. Those of EC2 are not there: the agents
/// of guests look at them only where these are missing. Holds secrets: never log it.
/// </summary>
internal sealed class GuestConfiguration(InstanceStepContext step, IReadOnlyList<GuestInterface> interfaces)
{
    private const int SeedBytes = 512;
    private const string Latest = "latest";
    private const string Folsom = "2012-08-10", Grizzly = "2013-04-04", Havana = "2013-10-17", Liberty = "2015-10-15", Newton = "2016-06-30", SecondNewton = "2016-10-06", Ocata = "2017-02-22", Rocky = "2018-08-27";

    private static readonly string[] Versions = [Folsom, Grizzly, Havana, Liberty, Newton, SecondNewton, Ocata, Rocky, Latest];

    private readonly Instance _instance = step.Instance;
    private readonly byte[] _seed = RandomNumberGenerator.GetBytes(SeedBytes);

    /// <summary>The files.</summary>
    /// <exception cref="StepFailedException">The user's data is not in base64.</exception>
    public IReadOnlyList<DriveFile> Files()
    {
        var files = new List<DriveFile>();
        var userData = UserData();
        foreach (var version in Versions)
        {
            void Add(string name, ReadOnlyMemory<byte> content) => files.Add(new DriveFile($"openstack/{version}/{name}", content));
            Add("meta_data.json", Json(MetaData(version)));
            if (userData is not null)
            {
                Add("user_data", userData);
            }

            if (Has(version, Havana))
            {
                Add("vendor_data.json", Json([]));
            }

            if (Has(version, Liberty))
            {
                Add("network_data.json", Json(NetworkData()));
            }

            if (Has(version, SecondNewton))
            {
                Add("vendor_data2.json", Json(new JsonObject { ["static"] = new JsonObject() }));
            }
        }

        files.AddRange(step.InjectedFiles.Select((f, i) => new DriveFile($"openstack{ContentPath(i)}", f.Contents)));
        return files;
    }

    // In the order of the versions; "latest" sorts behind them all.
    private static bool Has(string version, string since) => string.CompareOrdinal(version, since) >= 0;

    private static string ContentPath(int number) => $"/content/{number:D4}";

    private static byte[] Json(JsonObject document) => JsonSerializer.SerializeToUtf8Bytes(document, ConfigDriveJson.Default.JsonObject);

    private JsonObject MetaData(string version)
    {
        var document = new JsonObject { ["uuid"] = _instance.Uuid };
        if (_instance.Metadata.Count > 0)
        {
            document["meta"] = new JsonObject(_instance.Metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        }

        if (step.InjectedFiles.Count > 0)
        {
            document["files"] = new JsonArray([.. step.InjectedFiles.Select((f, i) => new JsonObject { ["path"] = f.Path, ["content_path"] = ContentPath(i) })]);
        }

        if (step.AdminPassword is { } password)
        {
            document["admin_pass"] = password;
        }

        if (_instance is { KeyName: { } name, KeyData: { } key })
        {
            document["public_keys"] = new JsonObject { [name] = key };
            document["keys"] = new JsonArray(new JsonObject { ["name"] = name, ["type"] = "ssh", ["data"] = key });
        }

        document["hostname"] = HostName.Of(_instance);
        document["name"] = _instance.DisplayName;
        document["launch_index"] = _instance.LaunchIndex;
        document["availability_zone"] = _instance.AvailabilityZone;
        if (Has(version, Grizzly))
        {
            document["random_seed"] = Convert.ToBase64String(_seed);
        }

        if (Has(version, Liberty))
        {
            document["project_id"] = _instance.ProjectId;
        }

        if (Has(version, Newton))
        {
            document["devices"] = new JsonArray();
        }

        return document;
    }

    private JsonObject NetworkData()
    {
        var (links, networks) = (new JsonArray(), new JsonArray());
        foreach (var (number, vif) in interfaces.Index())
        {
            var link = $"interface{number}";
            links.Add(new JsonObject { ["id"] = link, ["vif_id"] = vif.Uuid, ["type"] = "phy", ["mtu"] = vif.Mtu, ["ethernet_mac_address"] = vif.Mac });
            networks.Add(new JsonObject { ["id"] = $"network{number}", ["type"] = "ipv4_dhcp", ["link"] = link, ["network_id"] = vif.NetworkUuid });
        }

        return new JsonObject { ["links"] = links, ["networks"] = networks, ["services"] = new JsonArray() };
    }

    private byte[]? UserData()
    {
        try
        {
            return _instance.UserData is { } data ? Convert.FromBase64String(data) : null;
        }
        catch (FormatException)
        {
            // Not its message: that could quote what it has read.
            throw new StepFailedException($"The user_data of server {_instance.Uuid} is not in base64.", StepRecovery.Unwind);
        }
    }
}
