using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Stateside.SystemTests.Support;

namespace Stateside.SystemTests;

/// <summary>A start that cannot work: one line that says why and what to do, exit code 2, and nothing touched.</summary>
public sealed class BadStartTests
{
    [Theory]
    [InlineData("no state \"basket\"", "--place", "basket=Store")]
    [InlineData("\"Attic\" is not a place", "--place", "cart=Attic")]
    [InlineData("not of the form state=Place", "--place", "cart")]
    [InlineData("not the URL of a known store", "--store", "mongo:shop")]
    [InlineData("not the URL of a known store", "--store", "shop.db")]
    [InlineData("names no file", "--store", "sqlite:")]
    [InlineData("not a port", "--port", "0")]
    [InlineData("hybrid", "--as", "serverless")]
    public async Task Up_refuses_what_does_not_exist(string because, params string[] arguments)
    {
        using var folder = new TempFolder();
        var error = await Shop.UpRefusedAsync(["--data", folder.File("data"), .. arguments.Contains("--port") ? (string[])[] : ["--port", Port()], .. arguments]);
        AssertOneLine(because, error);
    }

    [Theory]
    [InlineData("SS2005", "--Stateside:Store=mongo:shop")]
    [InlineData("SS2004", "--Stateside:States:cart:Place=Attic", "--Stateside:Store=memory:")]
    [InlineData("SS3007", "--Stateside:Store=sqlite:/proc/shop.db")]
    public async Task A_shop_that_is_started_by_hand_says_it_too_and_without_a_stack_trace(string code, params string[] arguments)
    {
        await using var shop = TestProcess.Start("Shop", ["--urls", $"http://127.0.0.1:{Port()}", .. arguments]);
        Assert.Equal(2, await shop.ExitAsync(TimeSpan.FromSeconds(60)));
        Assert.Contains(code, shop.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", shop.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_refuses_a_data_directory_that_cannot_be_made()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("file"), "mine");
        AssertOneLine("cannot be", await Shop.UpRefusedAsync("--port", Port(), "--data", folder.File("file/data")));
        Assert.Equal("mine", await File.ReadAllTextAsync(folder.File("file")));
    }

    [Fact]
    public async Task Up_refuses_a_data_directory_that_cannot_be_written()
    {
        using var folder = new TempFolder();
        AssertOneLine("cannot be", await Shop.UpRefusedAsync("--port", Port(), "--data", folder.Mount("fixed", "ro")));
    }

    [Fact]
    public async Task Up_refuses_a_store_that_cannot_be_written()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("file"), "mine");
        await RefusesStoreAsync(folder, folder.File("file/shop.db"), "SS3007", "cannot be created");
        await RefusesStoreAsync(folder, Path.Combine(folder.Mount("fixed", "ro"), "shop.db"), "SS3007", "cannot be");
        Assert.Equal("mine", await File.ReadAllTextAsync(folder.File("file")));
    }

    [Fact]
    public async Task Up_refuses_a_store_on_a_full_disk()
    {
        using var folder = new TempFolder();
        await RefusesStoreAsync(folder, Path.Combine(folder.Mount("small", "size=8k"), "shop.db"), "SS3007", "full");
    }

    [Fact]
    public async Task Up_refuses_a_port_that_is_taken()
    {
        using var folder = new TempFolder();
        using var other = new TcpListener(IPAddress.Loopback, Ports.Next());
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        AssertOneLine($"Port {port} is in use", await Shop.UpRefusedAsync("--data", folder.File("data"), "--port", port.ToString(CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Up_refuses_a_file_that_is_no_database_and_leaves_it_alone()
    {
        using var folder = new TempFolder();
        var file = folder.File("letter.txt");
        await File.WriteAllTextAsync(file, string.Join('\n', Enumerable.Repeat("Dear Sir or Madam, this is a letter and not a database.", 100)));
        await RefusesUntouchedAsync(folder, file, "not an SQLite database");
    }

    [Theory]
    [InlineData(60, 999, "newer version of Stateside")] // PRAGMA user_version
    [InlineData(68, 0x47504B47, "belongs to another application")] // PRAGMA application_id
    public async Task Up_refuses_a_database_that_is_not_its_own_and_leaves_it_alone(int offset, int value, string because)
    {
        using var folder = new TempFolder();
        await using (var shop = await Host.StartShopAsync(folder.Sqlite()))
        {
            using var visitor = new Visitor(shop.Url);
            Assert.Equal(200, (await visitor.PostAsync("/counters/a", """{"by":5}""")).Status);
            shop.Process.Terminate();
            Assert.Equal(0, await shop.Process.ExitAsync(TimeSpan.FromSeconds(30)));
        }
        var file = folder.File("stateside.db");
        Assert.Equal([file], Directory.GetFiles(folder.Root, "stateside.db*"));
        var (original, changed) = (await File.ReadAllBytesAsync(file), await File.ReadAllBytesAsync(file));
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(offset), value);
        // Without a write-ahead log, as most applications have their files; switching it on would change them.
        (changed[18], changed[19]) = (1, 1);
        await File.WriteAllBytesAsync(file, changed);
        await RefusesUntouchedAsync(folder, file, because);

        await File.WriteAllBytesAsync(file, original);
        await using var again = await Host.StartShopAsync(folder.Sqlite());
        using var reader = new Visitor(again.Url);
        Assert.Equal(5, (int)(await reader.GetAsync("/counters/a")).Json["value"]!);
    }

    [Theory]
    [InlineData("cannot be reached", "redis://no-such-host.invalid:6379")]
    [InlineData("cannot be reached", "redis://127.0.0.1:1")]
    [InlineData("cannot be reached", "postgres://postgres@no-such-host.invalid:5432/postgres")]
    [InlineData("cannot be reached", "postgres://postgres@127.0.0.1:1/postgres")]
    public async Task Up_refuses_a_server_that_is_not_there(string because, string store) => await RefusesServerAsync(store, because);

    [Fact]
    public async Task Up_refuses_a_Redis_server_that_does_not_let_it_in_or_takes_no_writes()
    {
        await using var engine = await Engine.StartAsync("redis");
        var secret = engine.Url.Replace("//", "//shop:hunter2@", StringComparison.Ordinal);
        await RefusesServerAsync(secret, "refuses the user name or the password");
        await RefusesServerAsync(engine.Url + "/99", "no database of that number");
        await engine.Redis.CommandAsync("REPLICAOF", "127.0.0.1", "1");
        await RefusesServerAsync(engine.Url, "replica");
    }

    [Fact]
    public async Task Up_refuses_a_PostgreSQL_server_that_does_not_let_it_in_or_takes_no_writes()
    {
        await using var engine = await Engine.StartAsync("postgres");
        await RefusesServerAsync(engine.Url.Replace("postgres@", "nobody:hunter2@", StringComparison.Ordinal), "does not let this user in");
        await RefusesServerAsync(engine.Postgres.Url("no-such-database"), "does not exist");
        await using var standby = await engine.Postgres.StartStandbyAsync("standby");
        await RefusesServerAsync(standby.Url(), "takes no writes");
        await engine.Postgres.SqlAsync("CREATE ROLE guest LOGIN PASSWORD 'open sesame'");
        var rules = Path.Combine(engine.Postgres.Data, "pg_hba.conf");
        await File.WriteAllTextAsync(rules, "host all guest 127.0.0.1/32 scram-sha-256\n" + await File.ReadAllTextAsync(rules));
        await engine.Postgres.SqlAsync("SELECT pg_reload_conf()");
        await RefusesServerAsync(engine.Url.Replace("postgres@", "guest:hunter2@", StringComparison.Ordinal), "refused the password");
    }

    /// <summary>The application by itself, as anybody's would be: it ends before it listens, and names every fault at once.</summary>
    [Fact]
    public async Task The_shop_names_every_fault_of_its_configuration_at_once()
    {
        await using var shop = TestProcess.Start("Shop", "--urls", $"http://127.0.0.1:{Port()}",
            "--Stateside:Store=mongo:shop", "--Stateside:States:basket:Place=Store", "--Stateside:States:cart:Place=Attic", "--Stateside:Limits:MaxTurns=many", "--Stateside:Colour=red");
        Assert.NotEqual(0, await shop.ExitAsync(TimeSpan.FromSeconds(60)));
        foreach (var code in new[] { "SS2005", "SS2002", "SS2004", "SS2006", "SS2001" }) Assert.Contains(code + " ", shop.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("Now listening", shop.Said, StringComparison.Ordinal);
    }

    private static string Port() => Ports.Next().ToString(CultureInfo.InvariantCulture);

    private static void AssertOneLine(string because, string error)
    {
        Assert.DoesNotContain('\n', error);
        Assert.StartsWith("stateside up: ", error, StringComparison.Ordinal);
        Assert.Contains(because, error, StringComparison.Ordinal);
    }

    private static async Task RefusesUntouchedAsync(TempFolder folder, string file, string because)
    {
        var before = await File.ReadAllBytesAsync(file);
        await RefusesStoreAsync(folder, file, "SS3007", because);
        Assert.Equal(before, await File.ReadAllBytesAsync(file));
        Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!, Path.GetFileName(file) + "*"));
    }

    private static async Task RefusesServerAsync(string store, string because)
    {
        using var folder = new TempFolder();
        await RefusesAsync(folder, store, "SS3007", because);
    }

    private static Task RefusesStoreAsync(TempFolder folder, string file, string code, string because) => RefusesAsync(folder, "sqlite:" + file, code, because);

    /// <summary>What only the store finds out comes from the shop's process: its message, with the code, and where its log is.</summary>
    private static async Task RefusesAsync(TempFolder folder, string store, string code, string because)
    {
        var error = await Shop.UpRefusedAsync("--port", Port(), "--data", folder.File("data"), "--store", store);
        var lines = error.Split('\n');
        // Its own two lines, the fault, and what the store's client has logged before that.
        Assert.InRange(lines.Length, 2, 5);
        Assert.DoesNotContain("hunter2", error, StringComparison.Ordinal);
        var line = Assert.Single(lines, l => l.Contains(code, StringComparison.Ordinal));
        Assert.Contains(because, line, StringComparison.Ordinal);
    }
}
