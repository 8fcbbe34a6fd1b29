using FsCheck;
using FsCheck.Fluent;
using Stateside.States;
using Stateside.Stores;
using Stateside.Testing;
using Stateside.Tests.Turns;

namespace Stateside.Tests.Caching;

/// <summary>
/// Two processes with near caches and one without on one store, with changes told or not, answers lost and turns that come between others. Whatever
/// comes: what a turn rested on is what the store held at the turn's last trip, and a snapshot is what the store held within its age.
/// </summary>
public sealed class InterleavingTests
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Expires = TimeSpan.FromSeconds(30);

    private sealed record Step(int Kind, int Seed);

    [Fact]
    public void A_turn_always_rests_on_what_the_store_holds()
    {
        var step = from kind in Gen.Choose(0, 9) from seed in Gen.Choose(0, int.MaxValue - 1) select new Step(kind, seed);
        var steps = Arb.From(step.ArrayOf(), static all => Enumerable.Range(0, all.Length).Select(i => all.Where((_, j) => j != i).ToArray()));
        Prop.ForAll(steps, all => new World().HoldsAsync(all).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(80));
    }

    private sealed class World
    {
        private readonly ManualClock _time = new();
        private readonly SharedStore _shared;
        private readonly Node[] _nodes;
        private readonly StateKey[] _keys = [Node.Key("a"), Node.Key("b")];
        private readonly Dictionary<StateKey, List<(DateTimeOffset At, int Value)>> _history;
        private readonly Dictionary<(Node, StateKey), long> _counters = [];

        public World()
        {
            _shared = new SharedStore(_time) { AfterCommit = RememberAsync };
            _nodes =
            [
                new Node(_shared, _time, cache: true, MaxAge, Expires),
                // So small that rows make room for each other.
                new Node(_shared, _time, cache: true, MaxAge, Expires, maxBytes: 600),
                new Node(_shared, _time, cache: false, expires: Expires),
            ];
            _history = _keys.ToDictionary(k => k, _ => new List<(DateTimeOffset, int)> { (_time.GetUtcNow(), 0) });
        }

        public async Task<bool> HoldsAsync(Step[] steps)
        {
            foreach (var step in steps)
            {
                var random = new Random(step.Seed);
                foreach (var node in _nodes) node.Store.HearsOthers = random.Next(2) == 0;
                foreach (var node in _nodes) node.Store.HearsItself = random.Next(4) == 0;
                if (step.Kind == 0) await AdvanceAsync(random.Next(4) switch { 0 => 1, 1 => 4, 2 => 6, _ => 31 });
                else await TurnAsync(step.Kind, random);
            }
            foreach (var node in _nodes) node.Dispose();
            return true;
        }

        private async Task AdvanceAsync(int seconds)
        {
            for (var i = 0; i < seconds; i++)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                await RememberAsync();
            }
        }

        private async Task TurnAsync(int kind, Random random)
        {
            var (node, key) = (_nodes[random.Next(3)], _keys[random.Next(2)]);
            if (random.Next(2) == 0)
            {
                Func<ValueTask> disturb = () => WriteElsewhereAsync(node, key, random);
                if (random.Next(2) == 0) node.Store.BeforeTrip = disturb;
                else node.Store.BeforeAnswer = disturb;
            }
            node.Store.Seen.Clear();
            if (kind <= 2) await ReadAsync(node, key);
            else await WriteAsync(node, key, kind, random);
            (node.Store.BeforeTrip, node.Store.BeforeAnswer) = (null, null);
        }

        /// <summary>Another process writes or deletes the row, and this one may hear that anything has changed.</summary>
        private async ValueTask WriteElsewhereAsync(Node node, StateKey key, Random random)
        {
            var other = _nodes.Where(n => n != node).ElementAt(random.Next(2));
            await other.RunAsync(other.On(key, state =>
            {
                if (random.Next(3) == 0) state.Delete();
                else state.Set(new Count(random.Next(1000)));
            }));
            if (random.Next(4) == 0) node.Store.Watcher?.AnyChanged();
        }

        private async Task ReadAsync(Node node, StateKey key)
        {
            var snapshot = await node.States.ReadAsync<Count>(key);
            var since = _time.GetUtcNow() - MaxAge;
            var values = _history[key];
            // The clock stands still between steps, so what was replaced at that very moment may have been read at it.
            var first = values.FindLastIndex(v => v.At < since);
            Assert.Contains(snapshot.Value.Value, values.Skip(Math.Max(0, first)).Select(v => v.Value));
            NeverBack(node, key, ((IStateSlot)snapshot).Row.Version);
        }

        private async Task WriteAsync(Node node, StateKey key, int kind, Random random)
        {
            var (rested, version) = (0, StateVersion.None);
            var host = node.On(key, state =>
            {
                (rested, version) = (state.Value.Value, ((IStateSlot)state).Row.Version);
                if (kind == 3) throw new InvalidDataException();
                if (kind == 4) state.Delete();
                else if (kind > 5) state.Update(c => new Count(c.Value + 1));
            });
            var loses = node.Store.LosesAnswer = kind == 9 && random.Next(2) == 0;
            try
            {
                await node.RunAsync(host);
            }
            catch (InvalidDataException)
            {
                Assert.Equal(3, kind);
            }
            catch (StatesideException e)
            {
                Assert.Equal("SS3002", e.Code);
            }
            node.Store.LosesAnswer = false;
            // The trip after a lost answer looks at what the turn itself has written.
            var held = node.Store.Seen[key];
            if (!loses) Assert.Equal(held.Exists ? node.Count.Decode(held).Value : 0, rested);
            NeverBack(node, key, version);
        }

        /// <summary>A process never sees an older version than it has seen, nor than it has written.</summary>
        private void NeverBack(Node node, StateKey key, StateVersion version)
        {
            Assert.True(version.Counter >= _counters.GetValueOrDefault((node, key)), $"{version.Counter} after {_counters.GetValueOrDefault((node, key))}");
            _counters[(node, key)] = version.Counter;
        }

        private async ValueTask RememberAsync()
        {
            foreach (var key in _keys)
            {
                var row = await _shared.RowAsync(key);
                var value = row.Exists ? _nodes[0].Count.Decode(row).Value : 0;
                if (_history[key][^1].Value != value) _history[key].Add((_time.GetUtcNow(), value));
            }
        }
    }
}
