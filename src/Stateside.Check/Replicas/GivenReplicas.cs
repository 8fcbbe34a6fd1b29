using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Stateside.Check.Replicas;

/// <summary>Replicas that run already, and the commands that stop and restart them.</summary>
/// <param name="Addresses">Where they listen.</param>
/// <param name="Restart">The command that kills replica <c>{i}</c> and starts it again, or null.</param>
/// <param name="Stop">A command that kills replica <c>{i}</c> before <paramref name="Restart"/> is run, or null.</param>
public sealed record GivenOptions(IReadOnlyList<Uri> Addresses, string? Restart, string? Stop)
{
    /// <summary>The path that answers below 500 once a replica serves. Default <c>/</c>.</summary>
    public string Ready { get; init; } = "/";

    /// <summary>The longest a replica, or one of the commands, may take. Default 30 s.</summary>
    public TimeSpan ReadyWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The Host field that asks whether a replica serves, as all other requests have it. Null: the authority of the first.</summary>
    public string? Host { get; init; }

    /// <summary>The form in which text of the commands is shown: masks secrets.</summary>
    public Func<string, string> Mask { get; init; } = text => text;
}

/// <summary>The one set of replicas that was given by URL.</summary>
public sealed class GivenSource(GivenOptions options, TimeProvider time) : ReplicaSource
{
    private bool _isTried;
    private string? _fault;

    /// <inheritdoc/>
    public override int MostSets => 1;

    /// <inheritdoc/>
    public override bool CanRestart => options.Restart is not null && _fault is null;

    /// <inheritdoc/>
    public override string WhyNoRestart => _fault ?? base.WhyNoRestart;

    /// <inheritdoc/>
    public override int Count => options.Addresses.Count;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names => [.. options.Addresses.Select(a => options.Mask(a.GetLeftPart(UriPartial.Authority)))];

    /// <inheritdoc/>
    public override async Task<ReplicaSet> OpenAsync(CancellationToken cancellationToken)
    {
        var set = new GivenSet(this, options, time);
        await set.WaitAsync(cancellationToken);
        if (options.Restart is not null && !_isTried) await TryAsync(set, cancellationToken);
        return set;
    }

    /// <summary>Restarts every replica once before anything rests on it. Where that does not succeed and all serve as before, only what needs a restart cannot be told.</summary>
    private async Task TryAsync(GivenSet set, CancellationToken cancellationToken)
    {
        _isTried = true;
        string fault;
        try
        {
            await set.RestartAsync([.. Enumerable.Range(0, Count)], cancellationToken);
            return;
        }
        catch (ReplicaException e)
        {
            fault = e.Message;
        }
        try
        {
            await set.WaitAsync(cancellationToken);
        }
        catch (ReplicaException e)
        {
            throw new ReplicaException($"the restart did not succeed: {fault} And now {e.Message}", e);
        }
        _fault = "no replica could be restarted: " + fault.TrimEnd('.');
    }

    private sealed class GivenSet(GivenSource source, GivenOptions options, TimeProvider time) : ReplicaSet
    {
        private static readonly TimeSpan s_closesWithin = TimeSpan.FromSeconds(3);
        private static readonly TimeSpan s_returnsWithin = TimeSpan.FromSeconds(2);
        private static readonly TimeSpan s_looksEvery = TimeSpan.FromMilliseconds(100);

        public override IReadOnlyList<Uri> Addresses => options.Addresses;

        public override bool CanRestart => source.CanRestart;

        public override async Task RestartAsync(IReadOnlyList<int> replicas, CancellationToken cancellationToken)
        {
            // A connection from before does not outlive the process: by that it is seen that the command does what it is for.
            var before = new List<TcpClient>();
            try
            {
                foreach (var replica in replicas) before.Add(await ConnectAsync(options.Addresses[replica], cancellationToken));
                if (options.Stop is { } stop)
                    foreach (var replica in replicas) await RunAsync("--stop", stop, replica, cancellationToken);
                foreach (var replica in replicas) await RunAsync("--restart", options.Restart!, replica, cancellationToken);
                foreach (var (replica, i) in replicas.Select((r, i) => (r, i)))
                {
                    await WaitAsync(replica, cancellationToken);
                    if (!await IsClosedAsync(before[i], cancellationToken))
                        throw new ReplicaException($"replica {replica} still holds a connection from before \"{options.Mask(Filled(options.Restart!, replica))}\": it was not restarted. The command has to kill replica {{i}} and start it again on the same address.");
                }
            }
            finally
            {
                before.ForEach(c => c.Dispose());
            }
        }

        private static async Task<TcpClient> ConnectAsync(Uri address, CancellationToken cancellationToken)
        {
            var client = new TcpClient();
            try
            {
                await client.ConnectAsync(address.Host, address.Port, cancellationToken);
            }
            catch (SocketException)
            {
                // Nobody listens: it has ended already, and its next start is what counts.
            }
            return client;
        }

        private async Task<bool> IsClosedAsync(TcpClient client, CancellationToken cancellationToken)
        {
            if (!client.Connected) return true;
            using var bound = new CancellationTokenSource(s_closesWithin, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, bound.Token);
            try
            {
                // Nothing was asked, so that nothing can come but the end.
                return await client.GetStream().ReadAsync(new byte[1], both.Token) == 0;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return false;
            }
            catch (IOException)
            {
                return true;
            }
        }

        private static string Filled(string command, int replica) => command.Replace("{i}", replica.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

        public override (int Replica, string Said)? Crashed() => null;

        public override async Task<string?> GoneAsync(int replica, CancellationToken cancellationToken)
        {
            // Whoever supervises it may have started it again already.
            var begun = time.GetTimestamp();
            while (true)
            {
                using var client = await ConnectAsync(options.Addresses[replica], cancellationToken);
                if (client.Connected) return null;
                if (time.GetElapsedTime(begun) > s_returnsWithin) return $"nothing listens at {options.Mask(options.Addresses[replica].GetLeftPart(UriPartial.Authority))} any more";
                await Task.Delay(s_looksEvery, time, cancellationToken);
            }
        }

        public override string? RestartScript(int replica) =>
            options.Restart is { } restart ? string.Join("; ", new[] { options.Stop, restart }.OfType<string>().Select(c => Filled(options.Mask(c), replica))) : null;

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public async Task WaitAsync(CancellationToken cancellationToken)
        {
            for (var i = 0; i < options.Addresses.Count; i++) await WaitAsync(i, cancellationToken);
        }

        private async Task WaitAsync(int replica, CancellationToken cancellationToken)
        {
            var fault = await Readiness.WaitAsync(options.Addresses[replica], options.Host ?? options.Addresses[0].Authority, options.Ready, options.ReadyWithin, () => false, time, cancellationToken);
            if (fault is not null)
                throw new ReplicaException($"{options.Addresses[replica].GetLeftPart(UriPartial.Authority)} does not serve ({fault}). --ready PATH names what answers below 500.");
        }

        // The command may leave the replica running in the background, so only the command's own end is waited for, not that of its output.
        private async Task RunAsync(string option, string command, int replica, CancellationToken cancellationToken)
        {
            var text = Filled(command, replica);
            using var process = Process.Start("/bin/sh", ["-c", "exec </dev/null >/dev/null 2>&1\n" + text]);
            using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            bound.CancelAfter(options.ReadyWithin);
            try
            {
                await process.WaitForExitAsync(bound.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                process.Kill(entireProcessTree: true);
                throw new ReplicaException($"the {option} command \"{options.Mask(text)}\" does not end. Let it start the replica in the background.");
            }
            if (process.ExitCode != 0) throw new ReplicaException($"the {option} command \"{options.Mask(text)}\" failed with exit code {process.ExitCode}.");
        }
    }
}
