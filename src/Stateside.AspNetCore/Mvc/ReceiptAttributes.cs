using Stateside.AspNetCore.Endpoints;

namespace Stateside;

/// <summary>As <c>.RequireIdempotencyKey()</c>, for actions of controllers and for handlers that are methods: requests without an <c>Idempotency-Key</c> are refused (400, SS1002).</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class RequireIdempotencyKeyAttribute : Attribute, IReceiptMetadata
{
    bool IReceiptMetadata.CallsOutside => false;

    bool IReceiptMetadata.SafeToRepeat => false;
}

/// <summary>As <c>.CallsOutside()</c>, for actions of controllers and for handlers that are methods: the handler calls the outside world.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class CallsOutsideAttribute : Attribute, IReceiptMetadata
{
    /// <summary>True if the calls carry an id of the <see cref="Turn"/> by which the other side knows a repetition: then a claim that broke off is taken over by the next retry.</summary>
    public bool SafeToRepeat { get; set; }

    bool IReceiptMetadata.CallsOutside => true;
}
