using Stateside.Stores;

namespace Stateside.Simulator;

/// <summary>What a run with watchers came to.</summary>
/// <param name="Hash">Of all its events.</param>
/// <param name="Events">How many events the journals hold.</param>
/// <param name="Streams">How often a watcher began to listen.</param>
/// <param name="Violations">The promises that were broken; none: all hold.</param>
internal sealed record WatchResult(ulong Hash, int Events, int Streams, IReadOnlyList<Violation> Violations);

/// <summary>
/// One run with watchers: speakers raise events through any node while faults come and go; watchers follow the journals from node to node, and go on
/// after what they have heard last. In the end each must have heard every event once, in order, as the journal has it.
/// </summary>
internal sealed class WatchRun : IDisposable
{
    private const int Rooms = 4;
    private const int WatchersOfRoom = 2;
    private const int MostTries = 2_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>In which late commits arrive, and the slowest way of finding them has found them.</summary>
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(25);

    private readonly World _world;
    private readonly HashSet<int> _acknowledged = [];
    private readonly List<SimWatcher> _watchers = [];
    private readonly string[] _refusals = new string[Rooms];
    private int _said;

    private WatchRun(ulong seed, Place place) =>
        _world = new World(seed, new SimulationOptions { Software = setting => new RoomNode(setting, place), Keys = 1 }, keepsTrace: false);

    public static WatchResult Of(ulong seed, Place place)
    {
        using var run = new WatchRun(seed, place);
        RandomBytes.DrawFrom(run._world.Random.Fork().Fill);
        try
        {
            return run.Run();
        }
        finally
        {
            RandomBytes.DrawFrom(null);
        }
    }

    public void Dispose() => _world.Dispose();

    private WatchResult Run()
    {
        Task? working = null;
        _world.Scheduler.Soon(_world.Outside, _ => working = WorkAsync(), null);
        _world.Scheduler.Run((_world.Options.Faults + _world.Options.Recovery).Ticks, () => working is { IsCompleted: true });
        var violations = new List<Violation>();
        if (_world.Scheduler.Failure is { } failure) violations.Add(new(Violation.Sound, failure));
        else if (working is { IsFaulted: true }) violations.Add(new(Violation.Sound, working.Exception.InnerException!.ToString()));
        else if (working is not { IsCompletedSuccessfully: true }) violations.Add(new(Violation.Alive, $"a room does not take what is said; the last refusals: {string.Join(", ", _refusals)}"));
        _world.Scheduler.Run(_world.Now + s_rest.Ticks, () => false);
        if (_world.Scheduler.Failure is { } late && violations.Count == 0) violations.Add(new(Violation.Sound, late));

        var events = 0;
        for (var room = 0; room < Rooms; room++)
        {
            var journal = Journal(room);
            events += journal.Length;
            foreach (var twice in journal.GroupBy(n => n).Where(g => g.Count() > 1)) violations.Add(new(Violation.AtMostOnce, $"{twice.Key} stands {twice.Count()} times in room {room}"));
            violations.AddRange(WatchCheck.Run(journal, _watchers.Where(w => w.Room == room).Select(w => w.ToWatched()), mustBeComplete: true));
        }
        foreach (var lost in _acknowledged.Except(Enumerable.Range(0, Rooms).SelectMany(Journal))) violations.Add(new(Violation.NothingLost, $"{lost} was acknowledged and is in no journal"));
        return new(_world.Trace.Hash, events, _watchers.Sum(w => w.Streams), violations);
    }

    private async Task WorkAsync()
    {
        for (var id = 1; id <= _world.Options.Nodes; id++)
        {
            _world.Listed.Add(id);
            _world.Node(id).Start();
        }
        new Nemesis(_world).Plan();
        for (var i = 0; i < Rooms * WatchersOfRoom; i++) _watchers.Add(new SimWatcher(_world, _world.Random.Fork(), i % Rooms, $"watcher {i}"));
        foreach (var watcher in _watchers) _ = watcher.FollowAsync();
        await Task.WhenAll(Enumerable.Range(0, Rooms * 2).Select(i => SpeakAsync(i % Rooms, _world.Random.Fork())).ToArray());
    }

    /// <summary>Speaks until the faults are over, and then once more until it is heard.</summary>
    private async Task SpeakAsync(int room, SeededRandom random)
    {
        while (_world.Now < _world.Options.Faults.Ticks)
        {
            await _world.DelayAsync(random.Span(10, 400));
            await TrySayAsync(room, random);
        }
        for (var tries = 0; tries < MostTries && !await TrySayAsync(room, random); tries++) await _world.DelayAsync(random.Span(5, 50));
    }

    private async Task<bool> TrySayAsync(int room, SeededRandom random)
    {
        if (random.Pick(_world.Nodes) is not { Process: { IsDead: false } process, Software: RoomNode node }) return false;
        var content = ++_said;
        var reply = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _world.Scheduler.After(random.Span(0.05, 1), process, _ => Say(node, room, content, refusal => _world.Scheduler.After(random.Span(0.05, 1), _world.Outside, _ => reply.TrySetResult(refusal))));
        _world.Scheduler.After(s_patience, _world.Outside, _ => reply.TrySetResult("no reply"));
        if (await reply.Task is { } refused)
        {
            _refusals[room] = $"{process.Name} {refused}";
            return false;
        }
        _acknowledged.Add(content);
        return true;
    }

    /// <summary>Runs in the node's process.</summary>
    private static async void Say(RoomNode node, int room, int content, Action<string?> reply)
    {
        try
        {
            await node.States.RunAsync<Room, int>(Room.KeyOf(room), (state, _) => state.Raise(new Said(content)).Count);
            reply(null);
        }
        catch (StatesideException e)
        {
            reply(e.Code);
        }
    }

    private int[] Journal(int room) => [.. _world.Store.Inner.ReadJournalAsync(Room.KeyOf(room), 0, int.MaxValue, CancellationToken.None).AsTask().Result
        .Select(e => System.Text.Json.JsonSerializer.Deserialize(e.Body.Span, RoomJson.Default.Said)!.Content)];
}

/// <summary>A client that watches a room through any node, and goes on at another when its stream ends, breaks, or it has had enough of it.</summary>
internal sealed class SimWatcher(World world, SeededRandom random, int room, string name)
{
    private readonly List<(long Number, int Content)> _heard = [];

    public int Room => room;

    public int Streams { get; private set; }

    public Watched ToWatched() => new(name, 0, _heard);

    public async Task FollowAsync()
    {
        while (true)
        {
            await world.DelayAsync(random.Span(5, 100));
            if (random.Pick(world.Nodes) is not { Process: { IsDead: false } process, Software: RoomNode node }) continue;
            var stream = new Stream(_heard.Count > 0 ? _heard[^1].Number : 0);
            world.Scheduler.After(random.Span(0.05, 1), process, _ => Serve(stream, node, process));
            // One in four leaves by itself after a while, so that resuming is tried without a fault, too.
            var end = random.Chance(0.25) ? world.Now + random.Span(50, 3_000).Ticks : long.MaxValue;
            while (!stream.IsOver && !process.IsDead && world.Now < end) await world.DelayAsync(random.Span(5, 50));
            stream.IsOver = true;
            world.Scheduler.After(random.Span(0.05, 1), process, _ => stream.Stop.Cancel());
        }
    }

    /// <summary>Runs in the node's process.</summary>
    private async void Serve(Stream stream, RoomNode node, SimProcess process)
    {
        Streams++;
        try
        {
            await foreach (var (number, said) in node.States.WatchAsync<Room, Said>(Simulator.Room.KeyOf(room), stream.From, stream.Stop.Token)) Send(stream, process, number, said.Content);
        }
        catch (Exception e) when (e is StatesideException or OperationCanceledException)
        {
            Send(stream, process, 0, 0);
        }
    }

    /// <summary>What is sent arrives later, in order; the end of the stream is sent as 0.</summary>
    private void Send(Stream stream, SimProcess process, long number, int content)
    {
        stream.LastArrival = Math.Max(stream.LastArrival + 1, world.Now + random.Span(0.05, 1).Ticks);
        world.Scheduler.At(stream.LastArrival, world.Outside, _ =>
        {
            if (stream.IsOver) return;
            world.Trace.Mix(number);
            if (number == 0) stream.IsOver = true;
            else _heard.Add((number, content));
        }, process);
    }

    private sealed class Stream(long from)
    {
        public long From => from;

        public CancellationTokenSource Stop { get; } = new();

        public bool IsOver { get; set; }

        public long LastArrival { get; set; }
    }
}
