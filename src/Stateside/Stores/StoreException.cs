namespace Stateside.Stores;

/// <summary>Whether a request took effect. Every refusal and every failure says it.</summary>
public enum Applied
{
    /// <summary>It did not, and it will not: a retry is safe.</summary>
    No,

    /// <summary>It did.</summary>
    Yes,

    /// <summary>The answer was lost: only a retry with the same <c>Idempotency-Key</c>, or a look at the state, can tell.</summary>
    Unknown,
}

/// <summary>A store did not answer as it should: it is away, full, locked, or broke off in the middle.</summary>
public sealed class StoreException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line for the operator: what happened and the fix. No key, value or connection string.</param>
    /// <param name="applied">What is known of the commit. A failed load is always <see cref="Applied.No"/>.</param>
    /// <param name="inner">The store's own exception.</param>
    public StoreException(string message, Applied applied, Exception? inner = null) : base(message, inner) => Applied = applied;

    /// <summary>What is known of the commit that failed.</summary>
    public Applied Applied { get; }
}
