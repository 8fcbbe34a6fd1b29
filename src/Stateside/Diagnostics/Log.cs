using Microsoft.Extensions.Logging;

namespace Stateside.Diagnostics;

/// <summary>Every message of the engine. Event ids 1000 to 1999. No message holds a key's value, a body or a credential; a group is an internal id or its hash.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Stateside has opened the store {Store}: durability {Durability}, reach {Reach}.")]
    public static partial void StoreOpened(this ILogger log, string store, Stores.Durability durability, Stores.StoreReach reach);

    [LoggerMessage(1001, LogLevel.Information, "State {State} lives in place {Place}.")]
    public static partial void StatePlaced(this ILogger log, string state, Place place);

    [LoggerMessage(1010, LogLevel.Debug, "Turn {Turn}: run {Run} on group {Group} lost to another turn and is run again.")]
    public static partial void ReRun(this ILogger log, TurnId turn, int run, Group? group);

    [LoggerMessage(1011, LogLevel.Warning, "The time to live of states of group {Group} was not prolonged.")]
    public static partial void TouchFailed(this ILogger log, Group group, Exception e);

    [LoggerMessage(1012, LogLevel.Error, "A handler that calls outside broke off in group {Group}; the outcome is unknown and is told so to retries.")]
    public static partial void OutcomeUnknown(this ILogger log, Group group, Exception? e);

    [LoggerMessage(1013, LogLevel.Error, "A claim in group {Group} was not renewed or settled. It lapses, and retries are told that the outcome is unknown.")]
    public static partial void ClaimLost(this ILogger log, Group group, Exception e);

    [LoggerMessage(1015, LogLevel.Information, "Key {Key} seals from now on.")]
    public static partial void KeySeals(this ILogger log, Sealing.SealKeyId key);

    [LoggerMessage(1016, LogLevel.Warning, "The keys could not be read again; those at hand are used meanwhile.")]
    public static partial void KeysNotRefreshed(this ILogger log, Exception e);

    [LoggerMessage(1020, LogLevel.Debug, "Clean-up removed {Count} expired rows and receipts.")]
    public static partial void CleanedUp(this ILogger log, int count);

    [LoggerMessage(1021, LogLevel.Warning, "Clean-up failed; it is tried again later.")]
    public static partial void CleanUpFailed(this ILogger log, Exception e);

    [LoggerMessage(1030, LogLevel.Information, "This node owns {Count} more shards.")]
    public static partial void ShardsTaken(this ILogger log, int count);

    [LoggerMessage(1031, LogLevel.Information, "This node has passed on {Count} shards.")]
    public static partial void ShardsPassed(this ILogger log, int count);

    [LoggerMessage(1032, LogLevel.Warning, "The store has refused a commit to shard {Shard} under epoch {Epoch}: another node has taken it over.")]
    public static partial void ShardLost(this ILogger log, int shard, long epoch);

    [LoggerMessage(1033, LogLevel.Warning, "Node {Node} has given no sign of life and is ended; its shards go to the others.")]
    public static partial void NodeEnded(this ILogger log, string node);

    [LoggerMessage(1034, LogLevel.Warning, "The others have ended node {Node}, which was silent for too long. What it held in memory is dropped; it joins anew.")]
    public static partial void LifeEnded(this ILogger log, string node);

    [LoggerMessage(1035, LogLevel.Warning, "The store did not take this node's sign of life; it answers from memory until its lease ends.")]
    public static partial void BeatFailed(this ILogger log, Exception e);

    [LoggerMessage(1036, LogLevel.Information, "The store takes this node's signs of life again.")]
    public static partial void StoreBack(this ILogger log);

    [LoggerMessage(1037, LogLevel.Debug, "The look at the cluster failed; the next is after a beat.")]
    public static partial void LookFailed(this ILogger log, Exception e);

    [LoggerMessage(1038, LogLevel.Warning, "This node could not take its leave; the others will notice that it is gone.")]
    public static partial void LeaveFailed(this ILogger log, Exception e);

    [LoggerMessage(1039, LogLevel.Error, "The store has lost rows: this node knew view {Known} of the cluster and finds view {Found}. What it holds in memory of its shards is dropped, and they go on under new epochs; what the store has lost is lost.")]
    public static partial void RowsLost(this ILogger log, long known, long found);
}
