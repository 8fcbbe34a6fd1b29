using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Stateside.States;

/// <summary>
/// Reads rows more strictly than JSON's default: a name that comes twice in one object is refused. Which of the two counted would
/// depend on the reader, and writing the state back would lose the other.
/// </summary>
internal static class StrictJson
{
    /// <summary>The same contract with that one option changed; nothing else of the state's own options is touched.</summary>
    /// <exception cref="ArgumentException">The contract was made by hand, without a resolver from which it could be made again.</exception>
    public static JsonTypeInfo<T> Of<T>(JsonTypeInfo<T> json)
    {
        if (!json.Options.AllowDuplicateProperties) return json;
        if (json.Options.TypeInfoResolver is null)
            throw new ArgumentException($"The JsonTypeInfo of {typeof(T).Name} has no resolver: set AllowDuplicateProperties to false in its options.", nameof(json));
        return (JsonTypeInfo<T>)new JsonSerializerOptions(json.Options) { AllowDuplicateProperties = false }.GetTypeInfo(typeof(T));
    }
}
