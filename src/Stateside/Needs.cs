namespace Stateside;

/// <summary>What a state requires of its place, declared in code. Start-up compares it with what place and store declare, and refuses the rest.</summary>
[Flags]
public enum Needs
{
    /// <summary>Any place will do.</summary>
    None = 0,

    /// <summary>An acknowledged change survives the loss of the process and of power.</summary>
    Durable = 1,

    /// <summary>It is never stale and never rewound, not even by its holder.</summary>
    Current = 2,

    /// <summary>All nodes see it.</summary>
    Shared = 4,

    /// <summary>Its changes can be followed as they happen, and not only at an interval.</summary>
    Watchable = 8,
}

/// <summary>Where a state lives: chosen by configuration, one state at a time.</summary>
public enum Place
{
    /// <summary>Stateless: with the client, sealed, in every request.</summary>
    Client,

    /// <summary>Hybrid: in the store; the servers hold nothing.</summary>
    Store,

    /// <summary>Stateful: in the memory of the one node that owns it.</summary>
    Node,
}
