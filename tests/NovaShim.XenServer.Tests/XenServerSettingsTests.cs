using Microsoft.Extensions.Configuration;
using NovaShim.Sdk;

namespace NovaShim.XenServer.Tests;

/// <summary>Settings that cannot be used are told, all at once and by name.</summary>
public sealed class XenServerSettingsTests : IDisposable
{
    private readonly string _key = Path.GetTempFileName();

    [Fact]
    public void What_a_ready_file_says_is_enough()
    {
        var settings = Read([]);

        Assert.Equal(new Uri("http://127.0.0.1:8080"), settings.Url);
        Assert.Equal(2201, settings.SshPort);
        Assert.Equal("/run/sr-mount/x", settings.SrPath);
        Assert.Equal(4, settings.CopyRounds);
        Assert.Equal(16 << 20, settings.CopyThresholdBytes);
    }

    [Fact]
    public void All_that_is_missing_is_named()
    {
        var failed = Assert.Throws<StepFailedException>(() => XenServerSettings.Read("xen1", new ConfigurationBuilder().Build()));

        Assert.Contains("xen1", failed.Message, StringComparison.Ordinal);
        foreach (var key in new[] { "url", "username", "password", "sr_uuid", "sr_path", "ssh_host", "ssh_private_key_file", "ssh_host_key" })
        {
            Assert.Contains(key + " is missing", failed.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("url", "ftp://x")]
    [InlineData("url", "http://root:secret@x")]
    [InlineData("url", "xen1")]
    [InlineData("sr_uuid", "x")]
    [InlineData("sr_path", "relative")]
    [InlineData("sr_path", "/a/../b")]
    [InlineData("sr_path", "/a\nb")]
    [InlineData("ssh_host", "-oProxyCommand=id")]
    [InlineData("ssh_port", "0")]
    [InlineData("ssh_port", "ssh")]
    [InlineData("ssh_user", "a b")]
    [InlineData("ssh_host_key", "SHA256:abc")]
    [InlineData("ssh_private_key_file", "/does/not/exist")]
    [InlineData("copy_rounds", "0")]
    [InlineData("read_again_before_start", "1")]
    [InlineData("force_config_drive", "always")]
    [InlineData("copy_threshold_bytes", "-1")]
    [InlineData("bandwidth_limit", "20m")]
    [InlineData("shutdown_timeout_seconds", "soon")]
    [InlineData("tls_certificate_sha256", "AB:CD")]
    public void A_senseless_value_is_named_by_its_key_and_no_secret_with_it(string key, string value)
    {
        var failed = Assert.Throws<StepFailedException>(() => Read([(key, value)]));

        Assert.Contains(key, failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("pa55word", failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_settings_text_has_no_secret() => Assert.DoesNotContain("pa55word", Read([]).ToString(), StringComparison.Ordinal);

    public void Dispose() => File.Delete(_key);

    private XenServerSettings Read((string Key, string Value)[] changes)
    {
        var settings = new Dictionary<string, string?>
        {
            ["url"] = "http://127.0.0.1:8080", ["username"] = "root", ["password"] = "pa55word", ["sr_uuid"] = "8525a241-c081-48db-a549-b1bf55a09955",
            ["sr_path"] = "/run/sr-mount/x/", ["ssh_host"] = "127.0.0.1", ["ssh_port"] = "2201", ["ssh_user"] = "root", ["ssh_private_key_file"] = _key,
            ["ssh_host_key"] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBHKXkhbiyPO+hBt2gat2HkeC+gbb3lfaQjGgDlCQ4LU",
        };
        foreach (var (key, value) in changes)
        {
            settings[key] = value;
        }

        return XenServerSettings.Read("xen1", new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }
}
