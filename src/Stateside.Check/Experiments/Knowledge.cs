namespace Stateside.Check.Experiments;

/// <summary>What was learned about scenario and surroundings, from which it follows what the absence of findings means.</summary>
internal sealed class Knowledge
{
    /// <summary>Of how many scenarios it is known.</summary>
    public int Scenarios { get; init; } = 1;

    /// <summary>Whether some response depends on an earlier step: without that, nothing about state is proved.</summary>
    public bool ShowsState { get; set; }

    /// <summary>Whether there is an unsafe step.</summary>
    public bool HasUnsafe { get; set; }

    /// <summary>How many unsafe steps were sent twice and have an effect, or refuse a second one, that can be seen.</summary>
    public int Retried { get; set; }

    /// <summary>Of how many of these that can be seen after copies that came at once, too.</summary>
    public int Raced { get; set; }

    /// <summary>The other unsafe steps, and why nothing is known of their retry: at first, all.</summary>
    public IReadOnlyList<NotShown> NotShown { get; set; } = [];

    /// <summary>Whether unsafe steps that came many at once, over the replicas, all had their effect; null: none came so.</summary>
    public bool? AddedUp { get; set; }

    /// <summary>Whether there are two replicas to compare, and why a session could not be moved between them; null: it was.</summary>
    public string? NotMoved { get; set; } = "no session was moved";

    /// <summary>Why nothing was restarted; null: it was.</summary>
    public string? NotRestarted { get; set; } = "no replica was restarted";

    /// <summary>Whether all replicas were restarted at once too, and a read showed then what it had shown before.</summary>
    public bool AllRestarted { get; set; }

    /// <summary>Why requests were not spread over replicas; null: they were.</summary>
    public string? NotSpread { get; set; } = "no requests were spread over replicas";

    /// <summary>Why no step was sent twice; null: it was.</summary>
    public string? NotRetried { get; set; } = "no step was sent twice";

    /// <summary>Why no credential was tried; null: one was, and a response depends on it.</summary>
    public string? NoCredential { get; set; } = "no credential was tried";

    /// <summary>Whether the credential that was tried is one that the service issued; else the client has it from elsewhere, as a key or a password.</summary>
    public bool CredentialIsIssued { get; set; }

    /// <summary>Whether a credential of before was honoured after a restart of all replicas.</summary>
    public bool CredentialOutlived { get; set; }

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
        Scenarios = all.Count,
        ShowsState = all.Any(k => k.ShowsState),
        HasUnsafe = all.Any(k => k.HasUnsafe),
        // What broke off midway is as good as not done.
        Retried = all.Where(k => k.NotRetried is null).Sum(k => k.Retried),
        Raced = all.Where(k => k.NotRetried is null).Sum(k => k.Raced),
        NotShown = [.. all.SelectMany(k => k.NotShown)],
        AddedUp = all.Any(k => k.AddedUp == false) ? false : all.Any(k => k.AddedUp == true) ? true : null,
        NotMoved = Least(all.Where(k => k.ShowsState).Select(k => k.NotMoved), all[0].NotMoved),
        NotRestarted = Least(all.Where(k => k.ShowsState).Select(k => k.NotRestarted), all[0].NotRestarted),
        AllRestarted = all.Where(k => k is { ShowsState: true, NotRestarted: null }).All(k => k.AllRestarted),
        NotSpread = Least(all.Where(k => k.ShowsState).Select(k => k.NotSpread), all[0].NotSpread),
        NotRetried = Least(all.Select(k => k.NotRetried), all[0].NotRetried),
        NoCredential = Least(all.Select(k => k.NoCredential), all[0].NoCredential),
        CredentialIsIssued = all.Any(k => k.NoCredential is null && k.CredentialIsIssued),
        CredentialOutlived = all.Where(k => k.NoCredential is null).All(k => k.CredentialOutlived),
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

/// <summary>An unsafe step of whose retry nothing is known.</summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Step">The step's number, from 1.</param>
/// <param name="Name">The step's name.</param>
/// <param name="Why">Why, in words that go on from the step: "which is answered 400".</param>
internal sealed record NotShown(string Scenario, int Step, string Name, string Why)
{
    /// <summary>Why nothing is sent twice over a WebSocket: the connection is lost with the answer, and nobody says again what was said over it.</summary>
    public const string OverWebSocket = "which goes over a WebSocket";

    /// <summary>Why nothing shows, where it was sent twice and no later step depends on it.</summary>
    public const string Unread = "which no later step reads back";
}
