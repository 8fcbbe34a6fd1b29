namespace Stateside.Check.Conversations;

/// <summary>What all conversations of a check share.</summary>
public sealed record ConversationOptions
{
    /// <summary>The Host field of every request, the same for all replicas, so that it causes no difference. Null: the authority of the first replica.</summary>
    public string? Host { get; init; }

    /// <summary>The longest wait for one whole response. Default 10 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest body that is kept, after its coding is undone, in bytes. Default 4 MiB.</summary>
    public int MaxBodyBytes { get; init; } = 4 << 20;

    /// <summary>The most redirects that are followed within a step. Default 10.</summary>
    public int MaxRedirects { get; init; } = 10;
}
