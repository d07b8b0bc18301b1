using NovaShim.XenServer.Migrations;

namespace NovaShim.XenServer.Tests;

/// <summary>What the destination decides without asking anybody.</summary>
public sealed class ArrivedDisksTests
{
    private const string Migration = "6f1c0d3e-59a5-4a0c-8f38-0d6c9b8f2a11";

    [Fact]
    public void Every_run_gives_a_file_the_same_new_uuid_and_every_file_and_migration_another()
    {
        var uuid = ArrivedDisks.NewUuid(Migration, "a.vhd");

        Assert.Equal(uuid, ArrivedDisks.NewUuid(Migration, "a.vhd"));
        Assert.Equal(uuid, ArrivedDisks.NewUuid(Migration.ToUpperInvariant(), "a.vhd"));
        Assert.NotEqual(uuid, ArrivedDisks.NewUuid(Migration, "b.vhd"));
        Assert.NotEqual(uuid, ArrivedDisks.NewUuid("00000000-59a5-4a0c-8f38-0d6c9b8f2a11", "a.vhd"));
        Assert.Equal('4', uuid[14]);
        Assert.Contains(uuid[19], "89ab");
    }

    [Theory]
    [InlineData("1732315000.123456789", "1732315000.123456789", true)]
    [InlineData("1732315000.000000000", "1732315000.123456789", true)]
    [InlineData("1732315000.123456789", "1732315000.000000000", false)]
    [InlineData("1732315001.000000000", "1732315000.123456789", false)]
    [InlineData("1732315000.123456780", "1732315000.123456789", false)]
    public void A_time_that_lost_its_fraction_on_the_way_is_the_same(string arrived, string sent, bool same) => Assert.Equal(same, ArrivedDisks.SameTime(arrived, sent));

    [Theory]
    [InlineData("8.2.1", 8002001)]
    [InlineData("8.2", 8002000)]
    [InlineData("6.0.201", 6000201)]
    [InlineData("", 0)]
    [InlineData("8.x.1", 8000001)]
    public void A_version_becomes_one_number(string version, int number) => Assert.Equal(number, XenServerDriver.ToNova(version));
}
