using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Stateside.Stores;

namespace Stateside.Postgres;

/// <summary>
/// Listens for changes on a connection of its own, and keeps a row in the table of watchers while it does, so that commits tell of changes
/// only when somebody listens.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "StopAsync ends the loop and disposes of what it used.")]
internal sealed class Listener(NpgsqlDataSource source, Statements statements, IStoreWatcher watcher, ILogger log)
{
    /// <summary>How often the row is renewed; it also finds a connection that is dead and does not say so.</summary>
    private static readonly TimeSpan s_renewal = TimeSpan.FromSeconds(5);

    /// <summary>How long the row counts. A watcher that is gone costs notifications for so long.</summary>
    private static readonly TimeSpan s_life = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Guid _id = Wire.Guid(statements.Self);
    private readonly string _self = statements.Self.ToString();
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = LoopAsync();

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _loop;
        _stopping.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever breaks the connection, it is opened anew.")]
    private async Task LoopAsync()
    {
        for (var failures = 0; !_stopping.IsCancellationRequested;)
        {
            try
            {
                await ListenAsync(() => failures = 0);
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception)
            {
                if (failures++ == 0) log.WatchBroke();
                watcher.AnyChanged();
            }
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(100 << Math.Min(failures, 5), 2_000)), TimeProvider.System, _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task ListenAsync(Action listens)
    {
        await using var connection = await source.OpenConnectionAsync(_stopping.Token);
        connection.Notification += (_, e) => Changes.Read(e.Payload, _self, watcher);
        await using (var listen = new NpgsqlCommand($"LISTEN \"{Changes.Channel(statements.Schema)}\"", connection))
            await listen.ExecuteNonQueryAsync(_stopping.Token);
        await RenewAsync(connection);
        listens();
        // What was written while nobody listened; and once more for a commit that began before this watcher could be seen.
        watcher.AnyChanged();
        await connection.WaitAsync(TimeSpan.FromSeconds(1), _stopping.Token);
        watcher.AnyChanged();
        try
        {
            while (true)
            {
                var renewed = TimeProvider.System.GetTimestamp();
                await RenewAsync(connection);
                for (var left = s_renewal; left > TimeSpan.Zero; left = s_renewal - TimeProvider.System.GetElapsedTime(renewed))
                    await connection.WaitAsync(left, _stopping.Token);
            }
        }
        finally
        {
            if (_stopping.IsCancellationRequested) await SignOffAsync();
        }
    }

    private async Task RenewAsync(NpgsqlConnection connection)
    {
        await using var renew = new NpgsqlCommand(statements.Watch, connection);
        renew.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = _id, NpgsqlDbType = NpgsqlDbType.Uuid });
        renew.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Wire.Milliseconds(s_life), NpgsqlDbType = NpgsqlDbType.Bigint });
        await renew.ExecuteNonQueryAsync(_stopping.Token);
    }

    private async Task SignOffAsync()
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var unlisten = new NpgsqlCommand(statements.Unwatch, connection);
            unlisten.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = _id, NpgsqlDbType = NpgsqlDbType.Uuid });
            await unlisten.ExecuteNonQueryAsync();
        }
        catch (NpgsqlException)
        {
            // The row lapses by itself.
        }
    }
}
