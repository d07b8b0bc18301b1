using NATS.Client.Core;
using NATS.NKeys;
using NovaShim.Contracts.Tests.Servers;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace NovaShim.Contracts.Tests.Nkeys;

public sealed class KeyPairTests
{
    // The example pair of NATS's documentation of nkey authentication.
    private const string Seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    private const string PublicKey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

    [Fact]
    public void A_seed_gives_the_public_key_that_NATS_documents()
    {
        using var pair = KeyPair.FromSeed(Seed);
        Assert.Equal(PublicKey, pair.GetPublicKey());
    }

    [Fact]
    public void A_disposed_pair_does_not_sign()
    {
        var pair = KeyPair.FromSeed(Seed);
        pair.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pair.Sign(new byte[1], new byte[KeyPair.SignatureSize]));
    }

    [Fact]
    public void A_signature_is_deterministic_and_verifies_with_the_public_key()
    {
        using var pair = KeyPair.FromSeed(Seed);
        var message = "a nonce"u8.ToArray();
        var signature = new byte[KeyPair.SignatureSize];
        pair.Sign(message, signature);

        var publicKey = Base32(pair.GetPublicKey()).AsSpan(1, 32).ToArray();
        Assert.True(Ed25519.Verify(signature, 0, publicKey, 0, message, 0, message.Length));
        message[0] ^= 1;
        Assert.False(Ed25519.Verify(signature, 0, publicKey, 0, message, 0, message.Length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3V")]
    [InlineData("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VZ")]
    [InlineData("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3V1")]
    [InlineData("suacssl3uahudxkfsnvuzrf5uhpmwz6bfdtj7m6usdxiednppqyyycu3vy")]
    [InlineData(PublicKey)]
    public void What_is_no_intact_seed_is_refused_without_being_repeated(string text)
    {
        var refused = Assert.Throws<NKeysException>(() => KeyPair.FromSeed(text));
        Assert.True(text.Length == 0 || !refused.Message.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_real_server_lets_the_holder_of_the_seed_in_and_nobody_else()
    {
        var server = new NatsServer { Configuration = $"authorization: {{ users: [ {{ nkey: {PublicKey} }} ] }}" };
        await server.InitializeAsync();
        try
        {
            await using var known = new NatsConnection(new NatsOpts { Url = server.Url, AuthOpts = new NatsAuthOpts { NKey = PublicKey, Seed = Seed } });
            await known.ConnectAsync();
            Assert.True(await known.PingAsync() > TimeSpan.Zero);

            await using var stranger = new NatsConnection(new NatsOpts { Url = server.Url });
            await Assert.ThrowsAsync<NatsException>(async () => await stranger.ConnectAsync());
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static byte[] Base32(string text)
    {
        var bits = string.Concat(text.Select(c => Convert.ToString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        return Enumerable.Range(0, bits.Length / 8).Select(i => Convert.ToByte(bits.Substring(i * 8, 8), 2)).ToArray();
    }
}
