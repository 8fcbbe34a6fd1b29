namespace Stateside.Stores;

/// <summary>Makes stores of one kind from their URL. Registered in the service container; configuration finds it by its scheme.</summary>
public interface IStoreProvider
{
    /// <summary>The part of a store's URL before the first colon, in lower case: <c>memory</c>, <c>sqlite</c>.</summary>
    string Scheme { get; }

    /// <summary>An example of a URL, for error messages.</summary>
    string Example { get; }

    /// <summary>Makes the store, without connecting.</summary>
    /// <param name="url">The whole URL, scheme included.</param>
    /// <param name="time">The clock; for an embedded store also the store's clock.</param>
    /// <exception cref="FormatException">The URL is not one of this kind; the message says what is wrong with it, and repeats no password.</exception>
    IStore Create(string url, TimeProvider time);
}
