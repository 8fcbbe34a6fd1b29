namespace Stateside.Sealing;

/// <summary>What the configuration says of the keys.</summary>
/// <param name="Application">Seals of another application do not open.</param>
/// <param name="Given">Keys by configuration, the first of which seals; empty: the store keeps them.</param>
/// <param name="RotateEvery">How old the key that seals becomes before another follows it.</param>
/// <param name="Refresh">How often each node looks whether the keys have changed.</param>
/// <param name="KeepFor">How long a key that no longer seals opens: as long as anything lives that was sealed with it.</param>
internal sealed record KeysModel(string Application, IReadOnlyList<byte[]> Given, TimeSpan RotateEvery, TimeSpan Refresh, TimeSpan KeepFor);
