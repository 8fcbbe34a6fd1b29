namespace Stateside.Places;

/// <summary>What the client carries for the server from request to request: its cookies, or headers.</summary>
internal interface IClientCarrier
{
    /// <summary>The sealed state that the request brought; null without one.</summary>
    /// <exception cref="StatesideException">SS1020: what is there cannot be one, such as chunks of which one is missing.</exception>
    string? Find(string name);

    /// <summary>Refuses what the client could not send back beside all that it sends anyway.</summary>
    /// <param name="states">What leaves.</param>
    /// <param name="beginsSession">Whether the credential of a session, which the request has not brought, leaves too.</param>
    /// <exception cref="StatesideException">SS1019: it does not fit.</exception>
    void EnsureFits(IReadOnlyList<SealedState> states, bool beginsSession);
}

/// <summary>A state of the Client place as it leaves with a response.</summary>
/// <param name="Name">The state's name.</param>
/// <param name="Token">The seal that takes the place of what the client holds; null: the client is to drop it.</param>
internal sealed record SealedState(string Name, string? Token)
{
    /// <summary>The version that it was made from; none for the first.</summary>
    public StateVersion Base { get; init; }
}
