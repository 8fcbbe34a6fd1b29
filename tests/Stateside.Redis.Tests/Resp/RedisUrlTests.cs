using System.Text;
using Stateside.Redis.Resp;

namespace Stateside.Redis.Tests.Resp;

/// <summary>What a URL says, what is wrong with it, and where a key lives.</summary>
public sealed class RedisUrlTests
{
    [Fact]
    public void Everything_that_a_URL_can_say_is_read()
    {
        var url = RedisUrl.Parse("rediss://sh%40op:p%2Fa%3As%3F@one.example:7000,[::1]:7001,two/12?ca=%2Fetc%2Fca.pem&cert=a&key=b&prefix=shop:&connect=0.5&timeout=30");
        Assert.Equal([new("one.example", 7000), new("::1", 7001), new("two", 6379)], url.Endpoints);
        Assert.Equal(("sh@op", "p/a:s?", 12, true), (url.User, url.Password, url.Database, url.IsTls));
        Assert.Equal(("/etc/ca.pem", ("a", "b"), "shop:"), (url.Authorities, url.Client!.Value, url.Prefix));
        Assert.Equal((TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30)), (url.ConnectTimeout, url.CommandTimeout));
        Assert.Equal("rediss://one.example:7000,[::1]:7001,two:6379", url.ToString());
    }

    [Fact]
    public void What_a_URL_leaves_out_has_its_default()
    {
        var url = RedisUrl.Parse("redis://host");
        Assert.Equal([new("host", 6379)], url.Endpoints);
        Assert.Equal((null, null, 0, false, null, null, "ss:"), (url.User, url.Password, url.Database, url.IsTls, url.Authorities, url.Client, url.Prefix));
        Assert.Null(RedisUrl.Parse("redis://:secret@host").User);
        Assert.Equal("secret", RedisUrl.Parse("redis://:secret@host").Password);
    }

    [Theory]
    [InlineData("http://u:hunter2@host", "redis://")]
    [InlineData("redis://hunter2@host", "no password")]
    [InlineData("redis://u:hunter2@", "host")]
    [InlineData("redis://u:hunter2@a,,b", "host")]
    [InlineData("redis://u:hunter2@a b", "host")]
    [InlineData("redis://u:hunter2@a:0", "port")]
    [InlineData("redis://u:hunter2@a:65536", "port")]
    [InlineData("redis://u:hunter2@a:+1", "port")]
    [InlineData("redis://u:hunter2@[::1", "bracket")]
    [InlineData("redis://u:hunter2@[::1]x", "IPv6")]
    [InlineData("redis://u:hunter2@a/x", "database")]
    [InlineData("redis://u:hunter2@a/-1", "database")]
    [InlineData("redis://u:hunter2@a/99999999999", "database")]
    [InlineData("redis://u:hunter2@a?colour=red", "colour")]
    [InlineData("redis://u:hunter2@a?timeout=0", "timeout")]
    [InlineData("redis://u:hunter2@a?timeout=nan", "timeout")]
    [InlineData("redis://u:hunter2@a?connect=301", "connect")]
    [InlineData("redis://u:hunter2@a?tls=hunter2", "tls")]
    [InlineData("redis://u:hunter2@a?prefix={x}", "prefix")]
    [InlineData("redis://u:hunter2@a?cert=hunter2", "cert")]
    [InlineData("redis://u:p?hunter2@host", "")]
    [InlineData("redis://u:p?hunter2=1@host", "")]
    [InlineData("redis://u:p#hunter2", "")]
    public void What_is_wrong_with_a_URL_is_said_and_no_password_repeated(string url, string says)
    {
        var e = Assert.Throws<FormatException>(() => RedisUrl.Parse(url));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", e.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("123456789", 0x31C3)]
    [InlineData("foo", 12182)]
    [InlineData("{foo}.a", 12182)]
    [InlineData("a{foo}{bar}", 12182)]
    [InlineData("", 0)]
    public void A_key_has_the_slot_that_a_cluster_gives_it(string key, int slot) => Assert.Equal(slot, RedisClient.SlotOf(Encoding.ASCII.GetBytes(key)));

    [Fact]
    public async Task The_slots_are_those_of_a_server()
    {
        await using var server = await TestRedis.StartAsync(["--cluster-enabled", "yes"]);
        foreach (var key in new[] { "a{}b", "{}", "}{", "{{x}}", "a{x", "a}x{y}z", "{a}{b}", "\u00e9{\u00fc}" })
            Assert.Equal($":{RedisClient.SlotOf(Encoding.Latin1.GetBytes(key))}\r\n", await server.CommandAsync("CLUSTER", "KEYSLOT", key));
    }
}
