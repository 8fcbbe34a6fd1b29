namespace Stateside.Sealing;

/// <summary>What a seal is for. All of it is authenticated, so a seal that is moved to another purpose does not open.</summary>
/// <param name="Kind">What kind of thing is sealed: <c>state</c>, <c>session</c>.</param>
/// <param name="Name">Which one of the kind: the name of a state.</param>
/// <param name="Owner">Whose it is: the group of a session or a user.</param>
internal readonly record struct SealPurpose(string Kind, string Name, string Owner);

/// <summary>What came of opening a seal.</summary>
internal enum SealOpening
{
    /// <summary>It is genuine.</summary>
    Opened,

    /// <summary>It is not, whatever the reason.</summary>
    Refused,

    /// <summary>It may be genuine: it names a key that is not at hand.</summary>
    UnknownKey,
}
