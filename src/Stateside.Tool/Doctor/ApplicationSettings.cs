using System.Text.Json;

namespace Stateside.Tool.Doctor;

/// <summary>What an application's settings say about its store.</summary>
/// <param name="Store">The store's URL, or null where the default is used.</param>
/// <param name="AssumesDurable">Whether it vouches for a store that cannot tell what a commit survives.</param>
internal sealed record ApplicationSettings(string? Store, bool AssumesDurable)
{
    private const long MaxBytes = 1024 * 1024;

    /// <summary>Reads the section <c>Stateside</c> of a file such as appsettings.json.</summary>
    /// <exception cref="UsageException">It is not there, or no settings.</exception>
    public static ApplicationSettings Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes) throw new UsageException($"{path} is larger than {MaxBytes} bytes; it is no file of settings.");
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (json.RootElement.ValueKind != JsonValueKind.Object || !TryFind(json.RootElement, "Stateside", out var section) || section.ValueKind != JsonValueKind.Object)
                throw new UsageException($"{path} has no section \"Stateside\".");
            return new(
                TryFind(section, "Store", out var store) ? store.GetString() : null,
                TryFind(section, "AssumeDurable", out var assume) && string.Equals(assume.ToString(), "true", StringComparison.OrdinalIgnoreCase));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw new UsageException($"{path} cannot be read as settings: {e.Message}");
        }
    }

    /// <summary>Names of settings are compared without regard to case.</summary>
    private static bool TryFind(JsonElement parent, string name, out JsonElement value)
    {
        foreach (var property in parent.EnumerateObject())
            if (string.Equals(property.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                value = property.Value;
                return true;
            }

        value = default;
        return false;
    }
}
