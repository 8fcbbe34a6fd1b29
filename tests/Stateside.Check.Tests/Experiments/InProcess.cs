using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Stateside.Check.Replicas;
using Stateside.Check.Reports;
using Stateside.Check.Scenarios;

namespace Stateside.Check.Tests.Experiments;

/// <summary>What a replica of a test's service has at hand: its own memory, its own disk, and what all replicas share.</summary>
/// <param name="Number">The replica's number.</param>
/// <param name="Memory">Gone with the process.</param>
/// <param name="Disk">Outlives it, and no other replica sees it.</param>
/// <param name="Shared">A store that all replicas use.</param>
internal sealed record Surroundings(int Number, ConcurrentDictionary<string, object> Memory, ConcurrentDictionary<string, object> Disk, ConcurrentDictionary<string, object> Shared);

/// <summary>Replicas inside the test's process: "killed" by dropping the server with its memory.</summary>
/// <param name="service">What a replica does.</param>
/// <param name="replicas">How many there are.</param>
/// <param name="canRestart">Whether a restart is said to be possible.</param>
/// <param name="keepsApart">Whether two sets are known to share nothing.</param>
/// <param name="mostRestarts">After so many a replica does not come back.</param>
internal sealed class InProcessSource(Action<WebApplication, Surroundings> service, int replicas = 2, bool canRestart = true, bool keepsApart = false, int mostRestarts = int.MaxValue) : ReplicaSource
{
    private readonly ConcurrentDictionary<string, object> _shared = new();

    public override int MostSets => canRestart ? 4 : 1;

    public override bool CanRestart => canRestart;

    public override bool KeepsApart => keepsApart;

    public override int Count => replicas;

    public override IReadOnlyList<string> Names => ["in the test's process"];

    public override async Task<ReplicaSet> OpenAsync(CancellationToken cancellationToken)
    {
        var set = new InProcessSet(service, replicas, _shared, canRestart, mostRestarts);
        await set.StartAsync([.. Enumerable.Range(0, replicas)], cancellationToken);
        return set;
    }

    private sealed class InProcessSet : ReplicaSet
    {
        private readonly Action<WebApplication, Surroundings> _service;
        private readonly WebApplication?[] _servers;
        private readonly ConcurrentDictionary<string, object>[] _disks;
        private readonly ConcurrentDictionary<string, object> _shared;
        private int _restartsLeft;

        public InProcessSet(Action<WebApplication, Surroundings> service, int replicas, ConcurrentDictionary<string, object> shared, bool canRestart, int mostRestarts)
        {
            (_service, _servers, _shared, CanRestart, _restartsLeft) = (service, new WebApplication?[replicas], shared, canRestart, mostRestarts);
            _disks = [.. _servers.Select(_ => new ConcurrentDictionary<string, object>())];
            var addresses = new LaunchAddresses(isOfOnePort: false);
            Addresses = [.. _servers.Select(_ => addresses.Next())];
        }

        public override IReadOnlyList<Uri> Addresses { get; }

        public override bool CanRestart { get; }

        public override async Task RestartAsync(IReadOnlyList<int> replicas, CancellationToken cancellationToken)
        {
            if (Interlocked.Decrement(ref _restartsLeft) >= 0)
            {
                await StartAsync(replicas, cancellationToken);
                return;
            }
            foreach (var i in replicas)
                if (Interlocked.Exchange(ref _servers[i], null) is { } old) await old.DisposeAsync();
            throw new ReplicaException("the command failed");
        }

        public async Task StartAsync(IReadOnlyList<int> replicas, CancellationToken cancellationToken)
        {
            foreach (var i in replicas)
            {
                if (_servers[i] is { } old) await old.DisposeAsync();
                var builder = WebApplication.CreateSlimBuilder();
                builder.WebHost.UseUrls(Addresses[i].ToString());
                builder.Logging.ClearProviders();
                var server = builder.Build();
                _service(server, new Surroundings(i, new(), _disks[i], _shared));
                await server.StartAsync(cancellationToken);
                _servers[i] = server;
            }
        }

        public override (int Replica, string Said)? Crashed() => null;

        public override async ValueTask DisposeAsync()
        {
            foreach (var server in _servers)
                if (server is not null) await server.DisposeAsync();
        }
    }
}

/// <summary>Checks a service of a test.</summary>
internal static class Checking
{
    /// <summary>Runs a check of a scenario that is written as a .http file.</summary>
    public static Task<CheckReport> RunAsync(string scenario, Action<WebApplication, Surroundings> service, CheckOptions? options = null, int replicas = 2, bool canRestart = true) =>
        new CheckRun([Read(scenario)], new InProcessSource(service, replicas, canRestart), options ?? new CheckOptions(), TimeProvider.System).RunAsync(CancellationToken.None);

    /// <summary>Reads a scenario from text.</summary>
    public static Scenario Read(string text)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("stateside-check-tests-").FullName, "scenario.http");
        try
        {
            File.WriteAllText(file, text);
            return ScenarioFile.Read(file);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    /// <summary>The answers to the five questions as letters: h holds, f fails, ? cannot tell.</summary>
    public static string Answers(CheckReport report) =>
        string.Concat(report.Verdicts.Select(v => v.Outcome switch { Outcome.Holds => 'h', Outcome.Fails => 'f', _ => '?' }));
}
