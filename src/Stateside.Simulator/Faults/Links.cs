namespace Stateside.Simulator;

/// <summary>Which ways are open: between the nodes, from the clients (<see cref="Clients"/>) to them, and from them to the store.</summary>
/// <param name="nodes">Most nodes; they are numbered from 1.</param>
internal sealed class Links(int nodes)
{
    public const int Clients = 0;

    /// <summary>Most by which anything is slower than usual: a way of two milliseconds takes one second then.</summary>
    public const double MostSlowness = 500;

    private readonly int[,] _cuts = new int[nodes + 2, nodes + 2];

    /// <summary>The number of the store.</summary>
    public int Store => nodes + 1;

    /// <summary>How likely a message is lost on any way.</summary>
    public double Loss { get; set; }

    /// <summary>How much longer than usual every message takes.</summary>
    public double Slowness { get; set; } = 1;

    public bool IsCut(int from, int to) => _cuts[from, to] > 0;

    /// <summary>Cuts one direction; it is open again when every cut of it is mended.</summary>
    public void Cut(int from, int to) => _cuts[from, to]++;

    public void Mend(int from, int to) => _cuts[from, to]--;
}
