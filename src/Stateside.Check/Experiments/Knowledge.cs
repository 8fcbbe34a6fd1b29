namespace Stateside.Check.Experiments;

/// <summary>What was learned about scenario and surroundings, from which it follows what the absence of findings means.</summary>
internal sealed class Knowledge
{
    /// <summary>Whether some response depends on an earlier step: without that, nothing about state is proved.</summary>
    public bool ShowsState { get; set; }

    /// <summary>Whether there is an unsafe step.</summary>
    public bool HasUnsafe { get; set; }

    /// <summary>The unsafe steps that were sent twice and whose effect, or whose refusal of a second one, can be seen.</summary>
    public int Retried { get; set; }

    /// <summary>Whether there are two replicas to compare, and why a session could not be moved between them; null: it was.</summary>
    public string? NotMoved { get; set; } = "no session was moved";

    /// <summary>Why nothing was restarted; null: it was.</summary>
    public string? NotRestarted { get; set; } = "no replica was restarted";

    /// <summary>Why requests were not spread over replicas; null: they were.</summary>
    public string? NotSpread { get; set; } = "no requests were spread over replicas";

    /// <summary>Why no step was sent twice; null: it was.</summary>
    public string? NotRetried { get; set; } = "no step was sent twice";

    /// <summary>Why no credential was tried; null: one was, and a response depends on it.</summary>
    public string? NoCredential { get; set; } = "no credential was tried";

    /// <summary>Whether some of what writes make in a session is kept by the service.</summary>
    public bool ServiceKeeps { get; set; }

    /// <summary>Whether the service keeps what has an address of its own, as an order has, whoever asks for it.</summary>
    public bool KeepsResources { get; set; }

    /// <summary>Whether some of what writes make travels with the client.</summary>
    public bool ClientCarries { get; set; }

    /// <summary>Whether the credential says by itself whose it is (a signed token, a sealed cookie); null where there is none.</summary>
    public bool? CredentialIsSelfContained { get; set; }

    /// <summary>Joins what several scenarios showed.</summary>
    public static Knowledge Join(IReadOnlyList<Knowledge> all) => new()
    {
        ShowsState = all.Any(k => k.ShowsState),
        HasUnsafe = all.Any(k => k.HasUnsafe),
        Retried = all.Sum(k => k.Retried),
        NotMoved = Least(all.Where(k => k.ShowsState).Select(k => k.NotMoved), all[0].NotMoved),
        NotRestarted = Least(all.Where(k => k.ShowsState).Select(k => k.NotRestarted), all[0].NotRestarted),
        NotSpread = Least(all.Where(k => k.ShowsState).Select(k => k.NotSpread), all[0].NotSpread),
        NotRetried = Least(all.Select(k => k.NotRetried), all[0].NotRetried),
        NoCredential = Least(all.Select(k => k.NoCredential), all[0].NoCredential),
        ServiceKeeps = all.Any(k => k.ServiceKeeps),
        KeepsResources = all.Any(k => k.KeepsResources),
        ClientCarries = all.Any(k => k.ClientCarries),
        CredentialIsSelfContained = all.Any(k => k.CredentialIsSelfContained == false) ? false : all.Any(k => k.CredentialIsSelfContained == true) ? true : null,
    };

    private static string? Least(IEnumerable<string?> reasons, string? otherwise)
    {
        var given = reasons.ToList();
        return given.Count == 0 ? otherwise : given.Contains(null) ? null : given[0];
    }
}
