namespace Stateside.Configuration.Tests;

/// <summary>The exact words, because they are what somebody reads whose service does not start.</summary>
public sealed class FaultTests
{
    [Fact]
    public void All_faults_are_told_at_once()
    {
        var builder = Given.Builder("""
            { "Stor": "memory:", "States": { "crat": {}, "cart": { "Place": "Stoer", "Expire": 1 } }, "Limits": { "MaxRuns": 0 }, "Session": { "IdleTimeout": "99" } }
            """);
        builder.AddState("cart", ShopJson.Default.Cart).AddState("Order", ShopJson.Default.Order);

        var faults = Given.Read(builder).Faults;

        Assert.Equal(["SS2010", "SS2001", "SS2002", "SS2001", "SS2004", "SS2006", "SS2006"], faults.Select(f => f[..6]));
        var message = new StatesideConfigurationException([new("SS2001", "One."), new("SS2002", "Two.")]).Message;
        Assert.Equal("Stateside cannot start: 2 faults.\n  SS2001 One.\n  SS2002 Two.", message);
    }

    [Theory]
    [InlineData("""{ "Sesion": { "Cookie": "x" } }""",
        "SS2001 Stateside:Sesion is not an entry. Did you mean Session? Known here: Store, AssumeDurable, Application, States, Cache, Session, Idempotency, Limits, Keys, Node, Cluster. Correct the name, or remove the entry.")]
    [InlineData("""{ "Password": "secret" }""",
        "SS2001 Stateside:Password is not an entry. Known here: Store, AssumeDurable, Application, States, Cache, Session, Idempotency, Limits, Keys, Node, Cluster. Correct the name, or remove the entry.")]
    [InlineData("""{ "Session": { "IdleTimout": "00:10:00" } }""",
        "SS2001 Stateside:Session:IdleTimout is not an entry. Did you mean IdleTimeout? Known here: Cookie, Carrier, IdleTimeout, AbsoluteTimeout, AllowCrossSite. Correct the name, or remove the entry.")]
    [InlineData("""{ "States": { "cart": { "TimeToLive": "00:10:00" } } }""",
        "SS2001 Stateside:States:cart:TimeToLive is not an entry. Known here: Place, MigrateFrom, Expires, MaxBytes, MaxAge, Cache, Guard, Compress, PadTo, Durability. Correct the name, or remove the entry.")]
    [InlineData("""{ "IdleTimeout": "00:10:00" }""",
        "SS2001 Stateside:IdleTimeout is not an entry. Did you mean Stateside:Session:IdleTimeout? Known here: Store, AssumeDurable, Application, States, Cache, Session, Idempotency, Limits, Keys, Node, Cluster. Correct the name, or remove the entry.")]
    [InlineData("""{ "Store": { "Url": "memory:" } }""",
        "SS2001 Stateside:Store:Url is not an entry: Stateside:Store is a single value. Write the value itself.")]
    [InlineData("""{ "Limits": { "MaxRuns": [ 5 ] } }""",
        "SS2001 Stateside:Limits:MaxRuns:0 is not an entry: Stateside:Limits:MaxRuns is a single value. Write the value itself.")]
    [InlineData("""{ "Session": "id" }""",
        "SS2001 Stateside:Session is a section and has a value. Put entries inside it instead: Cookie, Carrier, IdleTimeout, AbsoluteTimeout, AllowCrossSite.")]
    [InlineData("""{ "States": "cart" }""",
        "SS2001 Stateside:States is a section and has a value. Put the names of states inside it instead.")]
    [InlineData("""{ "States": { "cart": "Store" } }""",
        "SS2001 Stateside:States:cart is a section and has a value. Put entries inside it instead: Place, MigrateFrom, Expires, MaxBytes, MaxAge, Cache, Guard, Compress, PadTo, Durability.")]
    [InlineData("\"memory:\"",
        "SS2001 Stateside is a section and has a value. Put entries inside it instead: Store, AssumeDurable, Application, States, Cache, Session, Idempotency, Limits, Keys, Node, Cluster.")]
    public void SS2001_an_unknown_entry(string json, string message) => Assert.Equal([message], Given.Faults(json));

    [Theory]
    [InlineData("""{ "States": { "crt": { "Place": "nonsense" } } }""",
        "SS2002 Stateside:States:crt names no declared state. Did you mean \"cart\"? Declared: \"cart\", \"order\". Correct the name, remove the entry, or declare the state with AddState.")]
    [InlineData("""{ "States": { "profile": {} } }""",
        "SS2002 Stateside:States:profile names no declared state. Declared: \"cart\", \"order\". Correct the name, remove the entry, or declare the state with AddState.")]
    [InlineData("""{ "States": [ "cart" ] }""",
        "SS2002 Stateside:States:0 names no declared state. Declared: \"cart\", \"order\". Correct the name, remove the entry, or declare the state with AddState.")]
    [InlineData("""{ "States": { "a\r\nb": {} } }""",
        "SS2002 Stateside:States:a??b names no declared state. Declared: \"cart\", \"order\". Correct the name, remove the entry, or declare the state with AddState.")]
    public void SS2002_an_unknown_state(string json, string message) => Assert.Equal([message], Given.Faults(json));

    [Fact]
    public void SS2002_an_unknown_state_where_none_is_declared() => Assert.Equal(
        ["SS2002 Stateside:States:cart names no declared state. Declared: none. Correct the name, remove the entry, or declare the state with AddState."],
        Given.Read(Given.Builder("""{ "States": { "cart": {} } }""")).Faults);

    [Theory]
    [InlineData("Stor", "SS2004 Stateside:States:cart:Place is \"Stor\", which is no place. Did you mean \"Store\"? Known: Client (stateless), Store (hybrid), Node (stateful). Write one of these, or remove the entry for Store.")]
    [InlineData("Redis", "SS2004 Stateside:States:cart:Place is \"Redis\", which is no place. Known: Client (stateless), Store (hybrid), Node (stateful). Write one of these, or remove the entry for Store.")]
    [InlineData("stateless", "SS2004 Stateside:States:cart:Place is \"stateless\", which is no place. Did you mean \"Client\"? Known: Client (stateless), Store (hybrid), Node (stateful). Write one of these, or remove the entry for Store.")]
    [InlineData("Hybrid", "SS2004 Stateside:States:cart:Place is \"Hybrid\", which is no place. Did you mean \"Store\"? Known: Client (stateless), Store (hybrid), Node (stateful). Write one of these, or remove the entry for Store.")]
    [InlineData("stateful", "SS2004 Stateside:States:cart:Place is \"stateful\", which is no place. Did you mean \"Node\"? Known: Client (stateless), Store (hybrid), Node (stateful). Write one of these, or remove the entry for Store.")]
    public void SS2004_an_unknown_place(string place, string message) =>
        Assert.Equal([message], Given.Faults($$"""{ "States": { "cart": { "Place": "{{place}}" } } }"""));

    [Theory]
    [InlineData("Client", "Store", "SS2003 Stateside:States:cart:MigrateFrom is Store and the state's Place is Client. A state does not move from the store to the client: the clients")]
    [InlineData("Store", "Store", "SS2006 Stateside:States:cart:MigrateFrom is Store, where the state lives anyway. Write")]
    [InlineData("Client", "Client", "SS2006 Stateside:States:cart:MigrateFrom is Client, where the state lives anyway. Write")]
    [InlineData("Store", "Node", "SS2006 Stateside:States:cart:MigrateFrom is not needed: places Store and Node share their rows.")]
    [InlineData("Store", "Cookie", "SS2004 Stateside:States:cart:MigrateFrom is \"Cookie\", which is no place.")]
    [InlineData("Store", "Client", null)]
    [InlineData("Store", "", null)]
    public void A_state_moves_from_the_client_to_the_store_and_not_back(string place, string from, string? begins)
    {
        var faults = Given.Faults($$"""{ "States": { "cart": { "Place": "{{place}}", "MigrateFrom": "{{from}}" } } }""");
        if (begins is null) Assert.Empty(faults);
        else Assert.StartsWith(begins, Assert.Single(faults), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "Session": { "Carrier": "Url" } }""",
        "SS2006 Stateside:Session:Carrier is \"Url\"; it must be Cookie, Header or Both. Correct it, or remove the entry for the default, Cookie.")]
    [InlineData("""{ "Keys": { "Given": "secret" } }""",
        "SS2006 Stateside:Keys:Given is not what it must be: 1 to 8 keys of 32 random bytes each, in base64, with commas between (openssl rand -base64 32 makes one). Correct it, or remove the entry: then the store keeps the keys.")]
    [InlineData("""{ "Application": "" }""",
        "SS2006 Stateside:Application is \"\"; it must be 1 to 64 letters, digits, dots, hyphens and underscores. Correct it, or remove the entry for the default, stateside.")]
    [InlineData("""{ "Limits": { "ClientBytes": 65536 } }""",
        "SS2006 Stateside:Limits:ClientBytes is \"65536\"; it must be a whole number of bytes from 256 to 30720. Correct it, or remove the entry for the default, 8192.")]
    [InlineData("""{ "Limits": { "MaxRuns": 0 } }""",
        "SS2006 Stateside:Limits:MaxRuns is \"0\"; it must be a whole number of runs from 1 to 1000. Correct it, or remove the entry for the default, 10.")]
    [InlineData("""{ "AssumeDurable": "yes" }""",
        "SS2006 Stateside:AssumeDurable is \"yes\"; it must be true or false. Correct it, or remove the entry for the default, false.")]
    [InlineData("""{ "Session": { "IdleTimeout": 30 } }""",
        "SS2006 Stateside:Session:IdleTimeout is \"30\"; it must be a duration from 00:00:01 to 365.00:00:00, written [days.]hours:minutes:seconds with hours up to 23. Correct it, or remove the entry for the default, 12:00:00.")]
    [InlineData("""{ "States": { "cart": { "Expires": "soon" } } }""",
        "SS2006 Stateside:States:cart:Expires is \"soon\"; it must be a duration from 00:00:01 to 3650.00:00:00, written [days.]hours:minutes:seconds with hours up to 23. Correct it, or remove the entry for none.")]
    [InlineData("""{ "Session": { "Cookie": "__Host-id" } }""",
        "SS2006 Stateside:Session:Cookie is \"__Host-id\"; it must be a cookie name: 1 to 64 letters, digits or !#$%&'*+-.^_`|~, and not beginning with __Host-, __Secure- or __Http-. Correct it, or remove the entry for the default, id.")]
    [InlineData("""{ "Session": { "IdleTimeout": "02:00:00", "AbsoluteTimeout": "01:00:00" } }""",
        "SS2006 Stateside:Session:IdleTimeout is 02:00:00, longer than Stateside:Session:AbsoluteTimeout, 01:00:00, so it would never take effect. Shorten the one or lengthen the other.")]
    public void SS2006_a_bad_value(string json, string message) => Assert.Equal([message], Given.Faults(json));

    [Fact]
    public void A_long_value_or_one_with_line_breaks_does_not_flood_or_forge_a_log()
    {
        var fault = Assert.Single(Given.Faults("""{ "Limits": { "MaxRuns": "1\r\nfail: """ + new string('x', 500) + "\" } }"));
        Assert.StartsWith("SS2006 Stateside:Limits:MaxRuns is \"1??fail: " + new string('x', 55) + "…\"; it must be", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void SS2009_two_states_of_one_name()
    {
        var builder = Given.Builder().AddState("cart", ShopJson.Default.Cart).AddState("cart", ShopJson.Default.Order);
        Assert.Equal(["SS2009 More than one state is named \"cart\": Cart, Order. Give each a name of its own where it is declared."], Given.Read(builder).Faults);
    }

    [Fact]
    public void SS2009_one_type_for_two_states()
    {
        var builder = Given.Builder().AddState("cart", ShopJson.Default.Cart).AddState("basket", ShopJson.Default.Cart);
        Assert.Equal(
            ["SS2009 Type Cart is declared as more than one state: \"cart\", \"basket\". A handler asks for a state by its type, so give each a record type of its own."],
            Given.Read(builder).Faults);
    }

    [Theory]
    [InlineData("Cart")]
    [InlineData("")]
    [InlineData("$session")]
    [InlineData("1st")]
    [InlineData("a_b")]
    [InlineData("a234567890123456789012345678901234")]
    public void SS2010_a_bad_name(string name)
    {
        var builder = Given.Builder().AddState(name, ShopJson.Default.Cart);
        Assert.Equal(
            [$"SS2010 \"{name}\" cannot be the name of a state. A state's name is 1 to 32 characters: a lower-case letter, then lower-case letters, digits and hyphens. Correct it where the state is declared."],
            Given.Read(builder).Faults);
    }
}
