namespace Stateside.Cluster;

/// <summary>Where the other nodes reach this one.</summary>
internal interface INodePort
{
    /// <summary>The port that it listens on, once the host has started.</summary>
    int Port { get; }
}
