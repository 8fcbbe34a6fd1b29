using System.Text.Json;
using Stateside.Sealing;

namespace Stateside.Tool.Tests;

public sealed class KeysTests : IDisposable
{
    private static readonly KeysModel s_model = new("shop", [], TimeSpan.FromDays(90), TimeSpan.FromSeconds(30), TimeSpan.FromDays(7));
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_key_is_added_listed_rotated_and_revoked()
    {
        var first = await MakeRingAsync();
        Assert.Equal([(first, "seals")], await ListAsync());
        await RunAsync("add");
        Assert.Equal(["seals", "waits"], (await ListAsync()).Select(k => k.Does));
        await RunAsync("rotate");
        Assert.Equal(["seals", "waits", "waits"], (await ListAsync()).Select(k => k.Does));
        var warned = await RunAsync("rotate", "--now");
        Assert.Contains("warning", warned.Error, StringComparison.Ordinal);
        var rotated = await ListAsync();
        Assert.Equal(["opens", "seals"], new[] { rotated[0].Does, rotated[3].Does });
        await RunAsync("revoke", rotated[3].Id);
        var revoked = await ListAsync();
        Assert.Equal(["nothing", "seals"], new[] { revoked[3].Does, revoked[4].Does });
    }

    [Fact]
    public async Task LIM_05_No_output_holds_a_secret()
    {
        var first = await MakeRingAsync();
        var outputs = new List<(int ExitCode, string Out, string Error)>
        {
            await RunAsync("add"), await RunAsync("rotate", "--now"), await RunAsync("list"), await RunAsync("list", "--json"),
        };
        var secrets = await SecretsAsync();
        Assert.Equal(3, secrets.Length);
        outputs.Add(await RunAsync("revoke", first));
        outputs.Add(await Tool.RunAsync(_directory.Path, "keys", "revoke", secrets[1], "--store", "sqlite:shop.db"));
        foreach (var output in outputs)
            foreach (var secret in secrets)
                Assert.DoesNotContain(secret, output.Out + output.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_list_as_json_has_the_members_that_docs_tool_tells()
    {
        var first = await MakeRingAsync();
        await RunAsync("rotate", "--now");
        await RunAsync("revoke", first);
        using var json = JsonDocument.Parse((await RunAsync("list", "--json")).Out);
        var keys = json.RootElement.GetProperty("keys").EnumerateArray().ToArray();
        Assert.Equal(["id", "does", "created", "seals_from", "sealed_until", "revoked"], keys[0].EnumerateObject().Select(p => p.Name));
        Assert.Equal(JsonValueKind.Null, keys[1].GetProperty("revoked").ValueKind);
    }

    [Theory]
    [InlineData("keys list --store sqlite:none.db", "./stateside up")]
    [InlineData("keys list --store memory:", "--store URL")]
    [InlineData("keys revoke 00000000 --store sqlite:shop.db", "There is no key")]
    [InlineData("keys revoke --store sqlite:shop.db", "See: ./stateside keys revoke --help")]
    [InlineData("keys add --refresh 0 --store sqlite:shop.db", "1 to 3600")]
    [InlineData("keys rotate --refresh 3601 --store sqlite:shop.db", "1 to 3600")]
    public async Task What_cannot_be_done_is_told_in_one_line_with_the_fix(string line, string fix)
    {
        await MakeRingAsync();
        var (code, output, error) = await Tool.RunAsync(_directory.Path, line.Split(' '));
        Assert.Equal((ExitCode.Usage, ""), (code, output));
        Assert.Contains(fix, error, StringComparison.Ordinal);
        Assert.StartsWith("stateside " + string.Join(' ', line.Split(' ')[..2]) + ": ", error, StringComparison.Ordinal);
        Assert.Equal(error.Length - Environment.NewLine.Length, error.IndexOf(Environment.NewLine, StringComparison.Ordinal));
        Assert.Single(await ListAsync());
    }

    private async Task<(int ExitCode, string Out, string Error)> RunAsync(params string[] args)
    {
        var result = await Tool.RunAsync(_directory.Path, ["keys", .. args, "--store", "sqlite:shop.db"]);
        Assert.Equal(ExitCode.Holds, result.ExitCode);
        return result;
    }

    private async Task<(string Id, string Does)[]> ListAsync()
    {
        using var json = JsonDocument.Parse((await RunAsync("list", "--json")).Out);
        return [.. json.RootElement.GetProperty("keys").EnumerateArray().Select(k => (k.GetProperty("id").GetString()!, k.GetProperty("does").GetString()!))];
    }

    private async Task<string> MakeRingAsync() => (await OnRingAsync(ring => ring.ChangeAsync(c => c.Aged(TimeProvider.System.GetUtcNow(), s_model), default))).Keys[0].Id;

    private async Task<string[]> SecretsAsync() => [.. (await OnRingAsync(ring => ring.LoadAsync(default))).Keys.Select(k => Convert.ToBase64String(k.Secret!))];

    private async Task<RingContent> OnRingAsync(Func<KeyRingStore, ValueTask<RingContent>> use)
    {
        var url = StoreUrl.Resolve("sqlite:shop.db", _directory.Path);
        await using var store = StoreUrl.Provider(url).Create(url, TimeProvider.System);
        await store.OpenAsync(default);
        return await use(new KeyRingStore(store));
    }
}
