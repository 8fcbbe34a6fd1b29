using Stateside.Places;
using Stateside.Stores;

namespace Stateside;

/// <summary>A refusal or failure with a code of the catalogue (<c>docs/errors</c>). Over HTTP it is a problem document (RFC 9457) with the same words.</summary>
public sealed class StatesideException : Exception
{
    internal StatesideException(ErrorKind kind, string detail, Applied applied = Applied.No, Exception? inner = null)
        : base($"{kind.Code} {detail}", inner)
    {
        (Kind, Detail, Applied) = (kind, detail, applied);
    }

    /// <summary>The code, <c>SSnnnn</c>: stable, with a page in <c>docs/errors</c>.</summary>
    public string Code => Kind.Code;

    /// <summary>What went wrong and what to do, for the client. Holds no key, value or connection string.</summary>
    public string Detail { get; }

    /// <summary>Whether the request took effect.</summary>
    public Applied Applied { get; }

    /// <summary>After how long a retry makes sense; null if it makes none, or if the client may retry at once.</summary>
    public TimeSpan? RetryAfter { get; init; }

    internal ErrorKind Kind { get; }

    /// <summary>The states of the client that leave with the refusal.</summary>
    internal IReadOnlyList<SealedState> Leaving { get; init; } = [];
}

/// <summary>The configuration or the endpoints do not hold together: the start is stopped, with every fault in one message.</summary>
public sealed class StatesideConfigurationException : Exception
{
    internal StatesideConfigurationException(IReadOnlyList<ConfigurationFault> faults)
        : base($"Stateside cannot start: {faults.Count} fault{(faults.Count == 1 ? "" : "s")}.\n" + string.Join("\n", faults.Select(f => "  " + f)))
    {
        Faults = faults;
    }

    /// <summary>All faults, in the order of the configuration.</summary>
    public IReadOnlyList<ConfigurationFault> Faults { get; }
}

/// <summary>One fault.</summary>
/// <param name="Code">The code, <c>SS2nnn</c>.</param>
/// <param name="Message">What is wrong, the configuration entry, the known names, and the fix.</param>
public sealed record ConfigurationFault(string Code, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Code} {Message}";
}
