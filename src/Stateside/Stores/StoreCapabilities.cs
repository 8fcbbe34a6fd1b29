namespace Stateside.Stores;

/// <summary>What an acknowledged commit survives.</summary>
public enum Durability
{
    /// <summary>The store cannot tell (a server that hides its settings). Counts as none unless <c>AssumeDurable</c> is set.</summary>
    Unknown,

    /// <summary>Nothing: it is gone with the process.</summary>
    None,

    /// <summary>The death of the process, but the last moments are lost when the machine loses power.</summary>
    Process,

    /// <summary>The loss of power: it is on disk before the answer.</summary>
    Disk,

    /// <summary>The loss of a machine: it is on several before the answer.</summary>
    Replicated,
}

/// <summary>Who sees one and the same store.</summary>
public enum StoreReach
{
    /// <summary>This process.</summary>
    Process,

    /// <summary>All processes of this machine.</summary>
    Machine,

    /// <summary>All machines that can connect.</summary>
    Network,
}

/// <summary>What a store declares when it opens; start-up compares it with what the states need.</summary>
/// <param name="Name">The store's kind, as in its URL: <c>memory</c>, <c>sqlite</c>.</param>
/// <param name="Durability">What an acknowledged commit survives, as found on the running store.</param>
/// <param name="Reach">Who sees it.</param>
/// <param name="Watchable">Whether it tells of changes by itself.</param>
/// <param name="MaxBodyBytes">Most bytes in one row, event or receipt.</param>
/// <param name="Facts">The settings that the grade follows from, in words.</param>
public sealed record StoreCapabilities(
    string Name, Durability Durability, StoreReach Reach, bool Watchable, int MaxBodyBytes, IReadOnlyList<StoreFact> Facts);

/// <summary>One thing that was found on the running store.</summary>
/// <param name="Setting">Its name, as the store's manual spells it.</param>
/// <param name="Value">What was found.</param>
/// <param name="Meaning">What follows from it, in one sentence.</param>
public sealed record StoreFact(string Setting, string Value, string Meaning);
