using NovaShim.XenServer.Dom0;

namespace NovaShim.XenServer.Tests;

/// <summary>What other hosts hand over goes into files that sshd and ssh read: nothing but what it should be gets there.</summary>
public sealed class SshSyntaxTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBHKXkhbiyPO+hBt2gat2HkeC+gbb3lfaQjGgDlCQ4LU";
    private const string Migration = "6f1c0d3e-59a5-4a0c-8f38-0d6c9b8f2a11";

    [Fact]
    public void The_line_lets_a_key_write_into_one_folder_and_nothing_else() =>
        Assert.Equal(
            $"restrict,command=\"'/usr/bin/rrsync' -wo '/run/sr-mount/a b/novashim-x'\" {Key} novashim:{Migration}",
            AuthorizedKeys.Line(Key + " root@xen1", "/usr/bin/rrsync", "/run/sr-mount/a b/novashim-x", Migration));

    [Fact]
    public void Quotes_in_a_path_do_not_end_the_command() =>
        Assert.Contains("command=\"'/usr/bin/rrsync' -wo '/a\\\"b'\\''c'\" ssh-ed25519 ", AuthorizedKeys.Line(Key, "/usr/bin/rrsync", "/a\"b'c", Migration), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("ssh-ed25519")]
    [InlineData("ssh-ed25519 not*base64")]
    [InlineData("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBHKXkhbiyPO+hBt2gat2HkeC+gbb3lfaQjGgDlCQ4LU x\nssh-ed25519 AAAA")]
    [InlineData("command=\"id\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBHKXkhbiyPO+hBt2gat2HkeC+gbb3lfaQjGgDlCQ4LU")]
    [InlineData("ssh-ed25519  AAAAC3NzaC1lZDI1NTE5AAAAIBHKXkhbiyPO+hBt2gat2HkeC+gbb3lfaQjGgDlCQ4LU")]
    public void What_is_no_key_is_refused(string key)
    {
        Assert.False(SshSyntax.TryPublicKey(key, out _));
        Assert.Throws<FormatException>(() => AuthorizedKeys.Line(key, "/usr/bin/rrsync", "/x", Migration));
    }

    [Fact]
    public void A_path_cannot_end_the_line() => Assert.Throws<ArgumentException>(() => AuthorizedKeys.Line(Key, "/usr/bin/rrsync", "/x\ny", Migration));

    [Fact]
    public void A_migration_is_a_UUID() => Assert.Throws<FormatException>(() => AuthorizedKeys.Line(Key, "/usr/bin/rrsync", "/x", "../etc"));

    [Theory]
    [InlineData("xen1.example.org", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("fe80::1", true)]
    [InlineData("::1", true)]
    [InlineData("-oProxyCommand=id", false)]
    [InlineData("a b", false)]
    [InlineData("a\nProxyCommand id", false)]
    [InlineData("", false)]
    public void A_host_is_a_name_or_an_address(string host, bool valid) => Assert.Equal(valid, SshSyntax.IsHost(host));

    [Theory]
    [InlineData("root", true)]
    [InlineData("-l", false)]
    [InlineData("root\nPort 1", false)]
    [InlineData("a@b", false)]
    public void A_user_is_a_plain_name(string user, bool valid) => Assert.Equal(valid, SshSyntax.IsUser(user));
}
