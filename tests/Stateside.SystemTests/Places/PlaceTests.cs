using Stateside.SystemTests.Support;

namespace Stateside.SystemTests.Places;

/// <summary>One conversation with the shop, the same answers wherever its state lives. What must differ is written down as the expectation of that place.</summary>
public sealed class PlaceTests
{
    public static TheoryData<string> Engines { get; } = [.. Engine.Names];

    [Theory, MemberData(nameof(Engines))]
    public async Task The_same_conversation_gets_the_same_answers(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Host.StartShopAsync(under.Url);
        using var transcript = new Transcript(shop.Url);
        await TalkAsync(transcript);
        Golden.Equal(Path.Combine("tests", "Stateside.SystemTests", "Places", "transcript.txt"), transcript.Text);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task The_same_conversation_gets_the_same_answers_where_a_node_holds_everything(string engine)
    {
        await using var under = await Engine.StartAsync(engine);
        await using var shop = await Host.StartShopAsync(
            under.Url, "--Stateside:States:cart:Place=Node", "--Stateside:States:order:Place=Node", "--Stateside:States:counter:Place=Node");
        using var transcript = new Transcript(shop.Url);
        await TalkAsync(transcript);
        Golden.Equal(Path.Combine("tests", "Stateside.SystemTests", "Places", "transcript.txt"), transcript.Text);
    }

    /// <summary>
    /// What must differ where the client carries its cart: each change gives it cookies, which no cache may keep. Everything else is the same,
    /// and transcript.client.txt is the whole of it.
    /// </summary>
    [Fact]
    public async Task The_same_conversation_gets_the_same_answers_where_the_client_carries_its_cart()
    {
        using var folder = new TempFolder();
        await using var shop = await Host.StartShopAsync(folder.Sqlite(), "--Stateside:States:cart:Place=Client");
        using var transcript = new Transcript(shop.Url);
        await TalkAsync(transcript);
        Golden.Equal(Path.Combine("tests", "Stateside.SystemTests", "Places", "transcript.client.txt"), transcript.Text);
        var hybrid = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests", "Stateside.SystemTests", "Places", "transcript.txt"));
        Assert.Equal(WithoutCookies(hybrid), WithoutCookies(transcript.Text));
    }

    /// <summary>Holds the conversation with a shop that must give the answers of the hybrid one.</summary>
    internal static async Task TalkAsHybridAsync(Uri url)
    {
        using var transcript = new Transcript(url);
        await TalkAsync(transcript);
        var hybrid = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests", "Stateside.SystemTests", "Places", "transcript.txt"));
        Assert.Equal(WithHeadersInOrder(hybrid), WithHeadersInOrder(transcript.Text));
    }

    /// <summary>HTTP/2, which nodes speak among themselves, writes all names of headers small, and their order says nothing.</summary>
    private static string WithHeadersInOrder(string transcript)
    {
        var lines = transcript.Split('\n').Select(line => line.Replace("  idempotent-replayed:", "  Idempotent-Replayed:", StringComparison.Ordinal)).ToArray();
        for (var from = 0; from < lines.Length; from++)
        {
            var to = from;
            while (to < lines.Length && lines[to].StartsWith("  ", StringComparison.Ordinal) && lines[to].Contains(": ", StringComparison.Ordinal)) to++;
            if (to > from) Array.Sort(lines, from, to - from, StringComparer.Ordinal);
            from = Math.Max(from, to - 1);
        }
        return string.Join('\n', lines);
    }

    private static string WithoutCookies(string transcript) => string.Join('\n', transcript.Split('\n', StringSplitOptions.TrimEntries)
        .Where(line => !line.StartsWith("Set-Cookie:", StringComparison.Ordinal) && !line.StartsWith("Cache-Control:", StringComparison.Ordinal)));

    private static async Task TalkAsync(Transcript talk)
    {
        const string tea = """{"product_id":"tea","quantity":2,"unit_price":"2.55"}""";

        // A session begins with the first write, and not before.
        await talk.SendAsync("ann", "GET", "/cart");
        await talk.SendAsync("ann", "POST", "/cart/add", tea);
        await talk.SendAsync("ann", "GET", "/cart");
        await talk.SendAsync("bob", "GET", "/cart");

        // Versions: conditional reads and writes.
        var first = talk.ETag("ann");
        await talk.SendAsync("ann", "GET", "/cart", null, ("If-None-Match", first));
        await talk.SendAsync("ann", "POST", "/cart/add", tea, ("If-Match", first));
        await talk.SendAsync("ann", "POST", "/cart/add", tea, ("If-Match", first));
        await talk.SendAsync("ann", "DELETE", "/cart");
        await talk.SendAsync("ann", "GET", "/cart");
        await talk.SendAsync("ann", "GET", "/cart", null, ("If-None-Match", first));

        // Receipts: at once, again, with another body, with another form of the key, without a session.
        await talk.SendAsync("ann", "POST", "/cart/add", tea, ("Idempotency-Key", "\"add-1\""));
        await talk.SendAsync("ann", "POST", "/cart/add", tea, ("Idempotency-Key", "\"add-1\""));
        await talk.SendAsync("ann", "POST", "/cart/add", tea, ("Idempotency-Key", "add-1"));
        await talk.SendAsync("ann", "POST", "/cart/add", """{"product_id":"cup","quantity":1}""", ("Idempotency-Key", "add-1"));
        await talk.SendAsync("cid", "POST", "/cart/add", tea, ("Idempotency-Key", "add-1"));
        await talk.SendAsync("cid", "POST", "/cart/add", tea, ("Idempotency-Key", "add-1"));
        await talk.SendAsync("ann", "POST", "/cart/add", tea, ("Idempotency-Key", "a b"));

        // Orders: two states in one commit, found again by anybody who knows the id, gone from the cart.
        await talk.SendAsync("ann", "POST", "/orders");
        await talk.SendAsync("ann", "POST", "/orders", null, ("Idempotency-Key", "order-1"));
        var order = talk.Location;
        await talk.SendAsync("ann", "POST", "/orders", null, ("Idempotency-Key", "order-1"));
        await talk.SendAsync("bob", "GET", order);
        await talk.SendAsync("ann", "GET", "/cart");
        await talk.SendAsync("ann", "POST", "/orders", null, ("Idempotency-Key", "order-2"));
        await talk.SendAsync("ann", "POST", "/orders", """{"lines":[{"product_id":"cup","quantity":-1,"unit_price":"0.10"}]}""", ("Idempotency-Key", "order-3"));
        await talk.SendAsync("bob", "POST", "/order", """{"user_id":"123","product_id":"cup","quantity":3}""");
        await talk.SendAsync("bob", "POST", "/order", """{"user_id":"123","product_id":"cup","quantity":3}""", ("Idempotency-Key", "one"));
        await talk.SendAsync("bob", "POST", "/order", """{"user_id":"123","product_id":"cup","quantity":3}""", ("Idempotency-Key", "one"));
        await talk.SendAsync("bob", "GET", "/orders/nobody-ever-placed-this-one");

        // The shared counter, under names of all kinds.
        await talk.SendAsync("bob", "GET", "/counters/a");
        await talk.SendAsync("bob", "POST", "/counters/a");
        await talk.SendAsync("ann", "POST", "/counters/a", """{"by":41}""");
        await talk.SendAsync("bob", "GET", "/counters/a");
        foreach (var name in (string[])["%7B0%7D", "a%3Ab", "%E2%98%95", "a%00b", "%2A%3F%5B", "%27%3B--", new string('x', 200)])
        {
            await talk.SendAsync("bob", "POST", "/counters/" + name);
            await talk.SendAsync("ann", "GET", "/counters/" + name);
        }

        // What is not valid is refused, and nothing is written.
        await talk.SendAsync("ann", "POST", "/cart/add", """{"product_id":"","quantity":2}""");
        await talk.SendAsync("ann", "POST", "/cart/add", "{");
        await talk.SendAsync("ann", "PUT", "/cart/add", tea);
        await talk.SendAsync("ann", "POST", "/cart/add", tea, ("Content-Type", "text/plain"));
        await talk.SendAsync("ann", "GET", "/cart");

        // A session that nobody has, a forged one, and one that was forgotten.
        talk.Forge("eve", "id=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        await talk.SendAsync("eve", "GET", "/cart");
        await talk.SendAsync("eve", "POST", "/cart/add", tea);
        talk.Forget("ann");
        await talk.SendAsync("ann", "GET", "/cart");
    }
}
