namespace Stateside.Check.Experiments;

/// <summary>The experiments, in the order in which they are done.</summary>
internal static class Experimenting
{
    public static IReadOnlyList<Experiment> All() =>
    [
        new MoveExperiment(), new SpreadExperiment(), new RetryExperiment(), new ParallelExperiment(), new Inspection(), new ForgeryExperiment(),
        new RestartExperiment(), new FreshExperiment(), new IdsExperiment(), new CredentialExperiment(),
    ];

    /// <summary>Notes why an experiment was not done, for the question that rests on it.</summary>
    public static void SayWhyNot(Knowledge known, string experiment, string reason)
    {
        switch (experiment)
        {
            case "move":
                known.NotMoved = reason;
                break;
            case "restart":
                known.NotRestarted = reason;
                break;
            case "spread":
                known.NotSpread = reason;
                break;
            case "retry":
                known.NotRetried = reason;
                break;
            case "credential":
                known.NoCredential = reason;
                break;
        }
    }
}
