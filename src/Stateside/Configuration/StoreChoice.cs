using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Stateside.Stores;

namespace Stateside.Configuration;

/// <summary>From the store's URL to the store.</summary>
internal static class StoreChoice
{
    private const int MaxSchemeLength = 32;

    /// <summary>Makes the store without connecting; null if a fault was added.</summary>
    public static IStore? Create(IConfiguration section, string url, IReadOnlyList<IStoreProvider> providers, TimeProvider time, List<ConfigurationFault> faults)
    {
        var path = ConfigurationEntries.Store.In(section);
        if (!TryScheme(url, out var scheme))
        {
            faults.Add(Faults.NoScheme(path, providers.Select(p => p.Example)));
            return null;
        }
        // The last one added wins, so that a test or an application can put its own in the place of a built-in one.
        var provider = providers.LastOrDefault(p => string.Equals(p.Scheme, scheme, StringComparison.OrdinalIgnoreCase));
        if (provider is null)
        {
            faults.Add(Faults.UnknownStore(path, scheme, providers));
            return null;
        }
        try
        {
            return provider.Create(url, time);
        }
        catch (FormatException e)
        {
            faults.Add(Faults.BadStoreUrl(path, provider, e.Message));
            return null;
        }
    }

    /// <summary>The scheme as RFC 3986 has it. What is not one is not repeated in a message: it may be a connection string.</summary>
    private static bool TryScheme(string url, [NotNullWhen(true)] out string? scheme)
    {
        var colon = url.IndexOf(':', StringComparison.Ordinal);
        scheme = colon is > 0 and <= MaxSchemeLength ? url[..colon] : null;
        if (scheme is null || !char.IsAsciiLetter(scheme[0])) return false;
        foreach (var c in scheme)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.')) return false;
        return true;
    }
}
