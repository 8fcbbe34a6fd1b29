namespace Stateside.Simulator;

/// <summary>A promise that a run has broken.</summary>
/// <param name="Promise">Which one.</param>
/// <param name="Evidence">How that shows.</param>
internal sealed record Violation(string Promise, string Evidence)
{
    public const string Linearizable = "each key is linearizable";
    public const string NothingLost = "no acknowledged write is lost";
    public const string NothingRefusedApplied = "no refused write is applied";
    public const string Whole = "a turn shows and changes the states of its group as one";
    public const string Bounded = "a checkpoint loses no more than its interval";
    public const string AtMostOnce = "a request is applied at most once";
    public const string OneOwner = "a shard has one owner at a time";
    public const string WatchersInOrder = "watchers hear of everything, in order";
    public const string Alive = "every key serves again once the faults are over";
    public const string Sound = "the code runs without accidents";

    public override string ToString() => $"{Promise}: {Evidence}";
}
