using System.Text.Json;

namespace Stateside.Tool.Tests;

public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("up --nodes 17", "1 to 16")]
    [InlineData("up --nodes 2 --as classic", "--nodes 1")]
    [InlineData("up --nodes 2 --store memory:", "SQLite")]
    [InlineData("up --as other", "'hybrid'")]
    [InlineData("up --port 0", "1 to 65535")]
    [InlineData("up --port x", "--port")]
    [InlineData("up --store nonsense", "sqlite:PATH")]
    [InlineData("up --store sqlite:", "sqlite:PATH")]
    [InlineData("up --store sqlite:///x.db", "for an absolute one")]
    [InlineData("up --store sqlite:x.db?mode=fast", "synchronous=FULL")]
    [InlineData("up --place cart", "--place cart=Client")]
    [InlineData("up --place basket=Store", "cart, order, counter")]
    [InlineData("up --place cart=Nowhere", "Client, Store, Node")]
    [InlineData("up --place cart=1", "Client, Store, Node")]
    [InlineData("up --as classic --store memory:", "leave --store")]
    [InlineData("up --data /proc/none/data", "--data DIR")]
    [InlineData("up --frobnicate", "./stateside up --help")]
    [InlineData("frobnicate", "./stateside --help")]
    [InlineData("replay", "./stateside replay --help")]
    [InlineData("replay x.csv", "--url")]
    [InlineData("replay x.csv --url nowhere", "http://127.0.0.1:8080")]
    [InlineData("replay none.csv --url http://127.0.0.1:1", "none.csv")]
    [InlineData("replay x.csv --url http://127.0.0.1:1 --resend 101", "0 to 100")]
    [InlineData("replay x.csv --url http://127.0.0.1:1 --sessions 0", "1 to 1024")]
    [InlineData("simulate --seeds 0", "1 or more")]
    [InlineData("simulate --from x", "--from")]
    [InlineData("doctor --needs Fast", "Durable, Current, Shared, Watchable")]
    [InlineData("doctor --needs 3", "Durable, Current, Shared, Watchable")]
    [InlineData("doctor --store sqlite:none.db", "./stateside up")]
    [InlineData("doctor --store sqlite:none.db --json", "./stateside up")]
    public async Task What_cannot_be_done_is_one_line_with_the_fix_and_exit_code_2(string line, string fix)
    {
        var (code, output, error) = await Tool.RunAsync(_directory.Path, line.Split(' '));
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.Contains(fix, error);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("   at ", error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("up")]
    [InlineData("replay")]
    [InlineData("doctor")]
    [InlineData("test")]
    [InlineData("simulate")]
    public async Task Every_help_has_examples_and_names_the_exit_codes(string command)
    {
        var (code, output, _) = await Tool.RunAsync(_directory.Path, [.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal(0, code);
        Assert.Contains($"  ./stateside {command}".TrimEnd(), output);
        Assert.Contains("Examples:", output);
        Assert.Contains("Exit codes:", output);
    }

    [Fact]
    public async Task A_doctor_makes_no_database_that_was_not_there()
    {
        await Tool.RunAsync(_directory.Path, "doctor");
        await Tool.RunAsync(_directory.Path, "doctor", "--store", "sqlite:sub/none.db");
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public async Task A_doctor_says_that_memory_is_not_durable_and_fails_only_if_that_was_asked_for()
    {
        var (code, output, _) = await Tool.RunAsync(_directory.Path, "doctor", "--store", "memory:", "--json");
        Assert.Equal(0, code);
        var report = JsonDocument.Parse(output).RootElement;
        Assert.Equal(("none", "process"), (report.GetProperty("durability").GetString(), report.GetProperty("reach").GetString()));
        Assert.Equal([false, true, false, true], report.GetProperty("needs").EnumerateArray().Select(n => n.GetProperty("given").GetBoolean()));

        (code, output, _) = await Tool.RunAsync(_directory.Path, "doctor", "--store", "memory:", "--needs", "durable,Current");
        Assert.Equal(1, code);
        Assert.EndsWith("DOES NOT HOLD: not given: Durable\n", output);
    }

    [Theory]
    [InlineData("{ // the store\n \"stateside\": { \"Store\": \"memory:\" } }", 0, "memory:")]
    [InlineData("{ \"Other\": 1 }", 2, "no section")]
    [InlineData("{ \"Stateside\": ", 2, "cannot be read")]
    public async Task A_doctor_takes_the_store_from_an_applications_settings(string settings, int expected, string says)
    {
        var file = Path.Combine(_directory.Path, "appsettings.json");
        await File.WriteAllTextAsync(file, settings);
        var (code, output, error) = await Tool.RunAsync(_directory.Path, "doctor", "--config", file);
        Assert.Equal(expected, code);
        Assert.Contains(says, output + error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://joe:secret@db:5432/shop", "postgres://…@db:5432/shop")]
    [InlineData("redis://:p@ss@db/0", "redis://…@db/0")]
    [InlineData("sqlite:/a@b/c.db", "sqlite:/a@b/c.db")]
    public void A_password_in_a_stores_URL_is_never_shown(string url, string shown) => Assert.Equal(shown, StoreUrl.Shown(url));
}
