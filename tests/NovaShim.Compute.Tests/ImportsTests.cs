using System.Reflection;
using System.Xml.Linq;

namespace NovaShim.Compute.Tests;

/// <summary>Imports run one way: Sdk ← Compute ← {Nats, MongoDb, Api} ← the program, and a plugin knows the Sdk alone.</summary>
public sealed class ImportsTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["src/NATS.NKeys"] = [],
        ["src/NovaShim.Sdk"] = [],
        ["src/NovaShim.Compute"] = ["NovaShim.Sdk"],
        ["src/NovaShim.Nats"] = ["NovaShim.Compute", "NATS.NKeys"],
        ["src/NovaShim.MongoDb"] = ["NovaShim.Compute"],
        ["src/NovaShim.Api"] = ["NovaShim.Compute"],
        // The VHD library knows nothing of XenServer: the program has uploaded images checked with it.
        ["src/NovaShim"] = ["NovaShim.Compute", "NovaShim.Nats", "NovaShim.MongoDb", "NovaShim.Api", "NovaShim.Vhd"],
        ["plugins/Fake"] = ["NovaShim.Sdk"],
        ["plugins/XenServer"] = ["NovaShim.Sdk", "NovaShim.Vhd"],
        ["plugins/XenServer/Vhd"] = [],
    };

    private static readonly string[] Folders = ["src", "plugins"];

    public static TheoryData<string> Projects() => new(ProjectFiles().Keys);

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_what_it_may(string project)
    {
        var references = XDocument.Load(ProjectFiles()[project]).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Subset(Allowed[project].ToHashSet(), references.ToHashSet());
    }

    [Fact]
    public void The_control_plane_knows_no_http_no_bus_no_store_server_and_no_hypervisor()
    {
        string[] foreign = ["Microsoft.AspNetCore", "NATS", "MongoDB", "Renci", "NovaShim.Api", "XenServer", "Fake"];
        Assert.DoesNotContain(
            typeof(ComputeOptions).Assembly.GetReferencedAssemblies().Select((AssemblyName a) => a.Name!),
            name => foreign.Any(f => name.StartsWith(f, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_sdk_brings_no_third_party_along() =>
        Assert.DoesNotContain(
            typeof(Sdk.VirtDriver).Assembly.GetReferencedAssemblies().Select((AssemblyName a) => a.Name!),
            name => !name.StartsWith("System.", StringComparison.Ordinal) && !name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal));

    private static Dictionary<string, string> ProjectFiles()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "NovaShim.sln")))
        {
            root = root.Parent ?? throw new DirectoryNotFoundException("the source tree is not above the tests");
        }

        return Folders
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root.FullName, folder), "*.csproj", SearchOption.AllDirectories))
            .ToDictionary(file => Path.GetRelativePath(root.FullName, Path.GetDirectoryName(file)!).Replace('\\', '/'));
    }
}
