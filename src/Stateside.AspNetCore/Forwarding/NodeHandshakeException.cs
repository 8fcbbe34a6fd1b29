namespace Stateside.AspNetCore.Forwarding;

/// <summary>The other end of a connection is not who it must be. The message says why and holds nothing that the other end sent.</summary>
internal sealed class NodeHandshakeException(string message, Exception? inner = null) : IOException(message, inner);
