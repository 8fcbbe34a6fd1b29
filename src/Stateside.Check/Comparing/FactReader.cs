using Stateside.Check.Conversations;

namespace Stateside.Check.Comparing;

/// <summary>Takes responses apart, by their content type.</summary>
internal static class FactReader
{
    /// <summary>Reads an exchange.</summary>
    public static Facts Read(Exchange exchange) =>
        new([new("status", exchange.Answer?.Status.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none")]);
}
