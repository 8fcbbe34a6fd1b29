using System.Diagnostics.CodeAnalysis;
using Npgsql;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>A load that waits for its trip.</summary>
internal sealed class LoadWork(LoadRequest request) : Work<LoadResult>
{
    public LoadRequest Request => request;

    public override long Bytes => 0;
}

/// <summary>Sends the loads of all callers who wait as one statement, which sees one moment.</summary>
internal sealed class Loader(NpgsqlDataSource source, Statements statements, RowCache cache, TripFailures failures) : Batcher<LoadWork, LoadResult>(MostTrips)
{
    /// <summary>Two, so that one can be read while the other is on its way.</summary>
    private const int MostTrips = 2;

    private const int MostLoads = 128;

    protected override void Take(List<LoadWork> waiting, List<LoadWork> batch)
    {
        var count = Math.Min(waiting.Count, MostLoads);
        batch.AddRange(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(waiting)[..count]);
        waiting.RemoveRange(0, count);
    }

    protected override Trip CreateTrip() => new LoadTrip(source, statements, cache, failures);

    private sealed class LoadTrip(NpgsqlDataSource source, Statements statements, RowCache cache, TripFailures failures) : Trip
    {
        private readonly Session _session = new(source);
        private Prepared? _rows;
        private Prepared? _withReceipts;

        [SuppressMessage("Design", "CA1031", Justification = "The callers get the exception.")]
        public override async Task RunAsync()
        {
            var isNew = false;
            try
            {
                isNew = await _session.OpenAsync();
                if (isNew)
                {
                    _rows = _withReceipts = null;
                    cache.Clear();
                }
                var receipts = Batch.Exists(static w => w.Request.Receipt is not null);
                var prepared = receipts ? _withReceipts ??= await PrepareAsync(true) : _rows ??= await PrepareAsync(false);
                var results = await ReadAsync(prepared);
                for (var i = 0; i < Batch.Count; i++) Batch[i].Complete(results[i]);
            }
            catch (Exception e) when (!isNew && _session.Connection is not null && PostgresFailure.IsBroken(e))
            {
                // It broke while nobody used it, or under this load, which changes nothing: a new connection may well serve it.
                failures.Tell(PostgresFailure.State(e));
                await _session.CloseAsync();
                await RunAsync();
            }
            catch (Exception e)
            {
                var failure = PostgresFailure.Of(e, Applied.No);
                failures.Tell(PostgresFailure.State(e));
                if (e is not PostgresException { InvariantSeverity: "ERROR" }) await _session.CloseAsync();
                foreach (var work in Batch) work.Fail(failure);
            }
        }

        public override ValueTask DisposeAsync() => _session.CloseAsync();

        private async Task<Prepared> PrepareAsync(bool receipts)
        {
            var prepared = new Prepared(new NpgsqlCommand(statements.Load(receipts), _session.Connection), receipts);
            await prepared.Command.PrepareAsync();
            return prepared;
        }

        private async Task<LoadResult[]> ReadAsync(Prepared prepared)
        {
            var results = new LoadResult[Batch.Count];
            try
            {
                prepared.Fill(Batch);
                await using var reader = await prepared.Command.ExecuteReaderAsync();
                for (var i = 0; i < results.Length; i++) results[i] = new LoadResult(new Row[Batch[i].Request.Keys.Count], null);
                while (await reader.ReadAsync())
                {
                    var o = reader.GetInt64(0);
                    if (o > 0)
                    {
                        var (load, key) = prepared.RowOwners[(int)o - 1];
                        ((Row[])results[load].Rows)[key] = Wire.Row(reader, 1, Batch[load].Request.Keys[key], cache);
                    }
                    else
                    {
                        var load = prepared.ReceiptOwners[(int)-o - 1];
                        results[load] = results[load] with { Receipt = Wire.Receipt(reader, 1, Batch[load].Request.Receipt!.Value.Id) };
                    }
                }
            }
            finally
            {
                prepared.Columns.Clear();
            }
            for (var i = 0; i < results.Length; i++)
            {
                var rows = (Row[])results[i].Rows;
                for (var k = 0; k < rows.Length; k++) rows[k] ??= Row.Absent(Batch[i].Request.Keys[k]);
            }
            return results;
        }
    }

    private sealed class Prepared
    {
        private readonly List<string> _groups;
        private readonly List<string> _names;
        private readonly List<string> _items;
        private readonly List<string>? _receiptGroups;
        private readonly List<ReadOnlyMemory<byte>>? _receiptIds;

        public Prepared(NpgsqlCommand command, bool receipts)
        {
            Command = command;
            Columns = new Columns(command.Parameters);
            (_groups, _names, _items) = (Columns.Texts(), Columns.Texts(), Columns.Texts());
            if (receipts) (_receiptGroups, _receiptIds) = (Columns.Texts(), Columns.Bodies());
        }

        public NpgsqlCommand Command { get; }

        public Columns Columns { get; }

        public List<(int Load, int Key)> RowOwners { get; } = [];

        public List<int> ReceiptOwners { get; } = [];

        public void Fill(List<LoadWork> batch)
        {
            RowOwners.Clear();
            ReceiptOwners.Clear();
            for (var i = 0; i < batch.Count; i++)
            {
                var request = batch[i].Request;
                for (var k = 0; k < request.Keys.Count; k++)
                {
                    var key = request.Keys[k];
                    _groups.Add(key.Group.Value);
                    _names.Add(key.Name);
                    _items.Add(key.Item);
                    RowOwners.Add((i, k));
                }
                if (request.Receipt is not { } receipt) continue;
                _receiptGroups!.Add(receipt.Group.Value);
                _receiptIds!.Add(Wire.Bytes(receipt.Id));
                ReceiptOwners.Add(i);
            }
        }
    }
}
