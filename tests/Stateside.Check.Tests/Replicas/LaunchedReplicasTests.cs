using System.Globalization;
using Stateside.Check.Replicas;

namespace Stateside.Check.Tests.Replicas;

public sealed class LaunchedReplicasTests
{
    private const string Serve = "/usr/bin/python3 -u -m http.server {port} --bind 127.0.0.1 --directory {dir}";

    [Fact]
    public async Task Replicas_serve_on_ports_and_from_directories_of_their_own()
    {
        await using var set = await OpenAsync(Serve);
        Assert.Equal(2, set.Addresses.Distinct().Count());
        using var client = new HttpClient();
        foreach (var address in set.Addresses) Assert.Contains("Directory listing", await client.GetStringAsync(address), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restarted_replica_keeps_its_port_and_directory_and_nothing_else()
    {
        await using var set = await OpenAsync("echo x >> {dir}/starts; exec " + Serve);
        using var client = new HttpClient();
        var (first, second) = (new Uri(set.Addresses[0], "/starts"), new Uri(set.Addresses[1], "/starts"));
        await set.RestartAsync([0], CancellationToken.None);
        Assert.Equal("x\nx\n", await client.GetStringAsync(first));
        Assert.Equal("x\n", await client.GetStringAsync(second));
        await set.RestartAsync([0, 1], CancellationToken.None);
        Assert.Equal("x\nx\n", await client.GetStringAsync(second));
    }

    [Fact]
    public async Task The_children_of_a_replica_go_with_it()
    {
        int child;
        await using (var set = await OpenAsync("sleep 1000 & echo $! > {dir}/child; " + Serve))
        {
            using var client = new HttpClient();
            child = int.Parse(await client.GetStringAsync(new Uri(set.Addresses[0], "/child")), CultureInfo.InvariantCulture);
            Assert.True(IsAlive(child));
        }
        Assert.False(IsAlive(child));
    }

    [Fact]
    public async Task Who_leaves_the_group_and_holds_the_output_ends_too()
    {
        int child;
        await using (var set = await OpenAsync("setsid sleep 1000 & echo $! > {dir}/child; exec " + Serve))
        {
            using var client = new HttpClient();
            child = int.Parse(await client.GetStringAsync(new Uri(set.Addresses[0], "/child")), CultureInfo.InvariantCulture);
            Assert.True(IsAlive(child));
            await set.RestartAsync([0], CancellationToken.None);
            Assert.False(IsAlive(child));
            child = int.Parse(await client.GetStringAsync(new Uri(set.Addresses[0], "/child")), CultureInfo.InvariantCulture);
        }
        Assert.False(IsAlive(child));
    }

    [Fact]
    public async Task A_replica_that_does_not_serve_is_an_error_with_its_last_words_masked()
    {
        var source = new LaunchedSource(Options("echo cannot bind; echo password=hunter2; exit 3") with { Mask = text => text.Replace("hunter2", "…", StringComparison.Ordinal) }, TimeProvider.System);
        var error = await Assert.ThrowsAsync<ReplicaException>(() => source.OpenAsync(CancellationToken.None));
        Assert.Contains("cannot bind", error.Message, StringComparison.Ordinal);
        Assert.Contains("password=…", error.Message, StringComparison.Ordinal);
        Assert.Contains("--ready", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replicas_share_a_port_where_the_command_names_the_address_that_it_listens_on()
    {
        var options = new LaunchOptions { Command = "serve 127.0.0.1:{port} --store 127.0.0.1:6379 --number {i}" };
        Assert.Equal("serve 127.0.0.2:9000 --store 127.0.0.1:6379 --number 1", LaunchFill.Command(options, 1, new Uri("http://127.0.0.2:9000")));
        var addresses = new LaunchAddresses(LaunchFill.HasOwnAddress(options));
        var (one, two) = (addresses.Next(), addresses.Next());
        Assert.True(one.Port == two.Port && one.Host != two.Host && one.IsLoopback && two.IsLoopback, $"{one} {two}");
        var plain = new LaunchAddresses(LaunchFill.HasOwnAddress(new LaunchOptions { Command = "serve {port} --store 127.0.0.1:6379" }));
        Assert.NotEqual(plain.Next().Port, plain.Next().Port);
    }

    [Fact]
    public void A_port_that_was_given_is_given_to_no_other_check_beside_it()
    {
        LaunchAddresses[] checks = [new(isOfOnePort: false), new(isOfOnePort: false)];
        var ports = Enumerable.Range(0, 1_000).Select(i => checks[i % 2].Next().Port).ToList();
        Assert.Equal(ports.Count, ports.Distinct().Count());
    }

    [Fact]
    public async Task A_replica_that_ends_by_itself_is_noticed()
    {
        await using var set = await OpenAsync("trap 'echo giving up; kill $!; exit 1' TERM; echo $$ > {dir}/pid; " + Serve + " & wait");
        Assert.Null(set.Crashed());
        using var client = new HttpClient();
        var pid = (await client.GetStringAsync(new Uri(set.Addresses[1], "/pid"))).Trim();
        using (var kill = System.Diagnostics.Process.Start("/bin/kill", [pid])) await kill.WaitForExitAsync();
        // What it said last is read a moment after its end was seen.
        for (var i = 0; i < 200 && set.Crashed()?.Said.Contains("giving up", StringComparison.Ordinal) != true; i++) await Task.Delay(25);
        Assert.Equal(1, set.Crashed()?.Replica);
        Assert.Contains("giving up", set.Crashed()?.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variables_are_filled_in_and_ports_differ_from_set_to_set()
    {
        var options = Options("printf %s \"$WHO\" > {dir}/who; exec " + Serve) with { Environment = new Dictionary<string, string> { ["WHO"] = "replica {i} at {port}" } };
        var source = new LaunchedSource(options, TimeProvider.System);
        await using var one = await source.OpenAsync(CancellationToken.None);
        await using var two = await source.OpenAsync(CancellationToken.None);
        Assert.Empty(one.Addresses.Intersect(two.Addresses));
        using var client = new HttpClient();
        Assert.Equal($"replica 1 at {two.Addresses[1].Port}", await client.GetStringAsync(new Uri(two.Addresses[1], "/who")));
    }

    private static bool IsAlive(int process) => File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);

    private static LaunchOptions Options(string command) => new() { Command = command, ReadyWithin = TimeSpan.FromSeconds(60) };

    private static Task<ReplicaSet> OpenAsync(string command) => new LaunchedSource(Options(command), TimeProvider.System).OpenAsync(CancellationToken.None);
}
