namespace Stateside.Testing.Histories;

/// <summary>What a check may still spend, over all parts.</summary>
internal sealed class SearchBudget(CheckLimits limits, CancellationToken cancellationToken)
{
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private int _steps;

    public CheckLimits Limits { get; } = limits;

    /// <summary>True if the search may go on. The clock is read now and then only, because a step is shorter than a look at it.</summary>
    public bool Allows(int configurations)
    {
        if ((_steps++ & 0xff) != 0) return configurations <= Limits.Configurations;
        cancellationToken.ThrowIfCancellationRequested();
        return configurations <= Limits.Configurations && TimeProvider.System.GetElapsedTime(_start) < Limits.Time;
    }
}
