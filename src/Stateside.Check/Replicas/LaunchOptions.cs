namespace Stateside.Check.Replicas;

/// <summary>How replicas are launched.</summary>
public sealed record LaunchOptions
{
    /// <summary>The command; <c>{port}</c>, <c>{i}</c> (from 0) and <c>{dir}</c> (a private directory of the replica, which outlives its restarts) are filled in.</summary>
    public required string Command { get; init; }

    /// <summary>How many replicas a set has. Default 2, range 2 to 8.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Variables of the environment that are added, by name.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The directory in which the command runs. Default: the current one.</summary>
    public string WorkingDirectory { get; init; } = ".";

    /// <summary>The path that answers below 500 once a replica serves. Default <c>/</c>.</summary>
    public string Ready { get; init; } = "/";

    /// <summary>The longest a replica may take to serve. Default 30 s.</summary>
    public TimeSpan ReadyWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The most sets that are open at the same time. Default 4.</summary>
    public int MostSets { get; init; } = 4;

    /// <summary>The form in which text of the replicas is shown: masks secrets.</summary>
    public Func<string, string> Mask { get; init; } = text => text;
}
