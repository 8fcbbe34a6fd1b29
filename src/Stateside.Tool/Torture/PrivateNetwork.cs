using System.Diagnostics;
using System.Globalization;
using System.Net;
using Stateside.Tool.Bench;

namespace Stateside.Tool.Torture;

/// <summary>
/// A network of its own for each process of a cluster, all on one bridge, which can be cut anywhere. The whole of it is in a network namespace that this
/// process was started in, and each member's is held by a shell that ends with this process: nothing has a name on the machine, and nothing is left of it.
/// </summary>
internal sealed class PrivateNetwork : IDisposable
{
    /// <summary>Set for the process that runs inside.</summary>
    public const string Variable = "STATESIDE_TORTURE_INSIDE";

    private const string Bridge = "stateside";

    // Nobody has it: what is sent there is lost on the way, without an error for the sender, as in a real network.
    private const string NobodysAddress = "02:00:00:00:00:99";

    private readonly Dictionary<string, Member> _members = [];

    /// <summary>Whether this process is inside.</summary>
    public static bool IsInside => Environment.GetEnvironmentVariable(Variable) == "1";

    /// <summary>Why there can be no such network here; null if there can.</summary>
    public static async Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        if (!LoadGenerator.Has("ip")) return "the program ip is missing; install it: apt-get install iproute2 (Debian, Ubuntu)";
        if (!LoadGenerator.Has("unshare") || !LoadGenerator.Has("nsenter")) return "the programs unshare and nsenter are missing; install them: apt-get install util-linux (Debian, Ubuntu)";
        if (!Native.IsRoot) return "it takes root to make network namespaces";
        var (code, _) = await LoadGenerator.RunAsync("/bin/sh", ["-c", $"unshare --net ip link add {Bridge} type bridge 2>/dev/null"], cancellationToken);
        return code == 0 ? null : "the kernel lets this process make no network namespaces or bridges (in a container: --cap-add NET_ADMIN --cap-add SYS_ADMIN)";
    }

    /// <summary>Makes the bridge.</summary>
    public static async Task<PrivateNetwork> CreateAsync(CancellationToken cancellationToken)
    {
        await IpAsync(["link", "set", "lo", "up"], cancellationToken);
        await IpAsync(["link", "add", Bridge, "type", "bridge"], cancellationToken);
        await IpAsync(["addr", "add", "10.99.0.1/24", "dev", Bridge], cancellationToken);
        await IpAsync(["link", "set", Bridge, "up"], cancellationToken);
        return new PrivateNetwork();
    }

    /// <summary>Makes a network for one process, with an address on the bridge.</summary>
    public async Task<IPAddress> AddAsync(string name, CancellationToken cancellationToken)
    {
        var number = _members.Count + 2;
        var shell = Process.Start(new ProcessStartInfo("unshare", ["--net", "/bin/sh", "-c", "echo ready; read -r _"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        var member = _members[name] = new Member(shell, string.Create(CultureInfo.InvariantCulture, $"member{number}"), IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"10.99.0.{number}")));
        await shell.StandardOutput.ReadLineAsync(cancellationToken);
        await IpAsync(["link", "add", member.Link, "type", "veth", "peer", "name", "inside", "netns", Text(shell.Id)], cancellationToken);
        await IpAsync(["link", "set", member.Link, "master", Bridge, "up"], cancellationToken);
        await InsideAsync(member, ["link", "set", "lo", "up"], cancellationToken);
        await InsideAsync(member, ["addr", "add", $"{member.Address}/24", "dev", "inside"], cancellationToken);
        await InsideAsync(member, ["link", "set", "inside", "up"], cancellationToken);
        return member.Address;
    }

    /// <summary>The command that starts the one after it in a member's network, and is replaced by it.</summary>
    public string[] Within(string name) => ["nsenter", "--target", Text(_members[name].Shell.Id), "--net", "--"];

    /// <summary>Cuts a member off from all others, or ends that.</summary>
    public Task IsolateAsync(string name, bool cut) => IpAsync(["link", "set", _members[name].Link, cut ? "down" : "up"], CancellationToken.None);

    /// <summary>Loses all that one member sends to another, or ends that. The other direction stays as it is.</summary>
    public Task CutAsync(string from, string to, bool cut)
    {
        var address = _members[to].Address.ToString();
        return InsideAsync(_members[from], cut
            ? ["neigh", "replace", address, "lladdr", NobodysAddress, "nud", "permanent", "dev", "inside"]
            : ["neigh", "del", address, "dev", "inside"], CancellationToken.None);
    }

    public void Dispose()
    {
        foreach (var member in _members.Values)
        {
            member.Shell.StandardInput.Close();
            member.Shell.WaitForExit();
            member.Shell.Dispose();
        }
    }

    private static Task InsideAsync(Member member, string[] command, CancellationToken cancellationToken) =>
        RunAsync("nsenter", ["--target", Text(member.Shell.Id), "--net", "--", "ip", .. command], cancellationToken);

    private static Task IpAsync(string[] command, CancellationToken cancellationToken) => RunAsync("ip", command, cancellationToken);

    private static async Task RunAsync(string program, string[] command, CancellationToken cancellationToken)
    {
        var (code, _) = await LoadGenerator.RunAsync(program, command, cancellationToken);
        if (code != 0) throw new InvalidOperationException($"{program} {string.Join(' ', command)} ended with {code}.");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed record Member(Process Shell, string Link, IPAddress Address);
}
