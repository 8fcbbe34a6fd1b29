using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Stateside.AspNetCore.Forwarding;

namespace Stateside.AspNetCore.Tests.Forwarding;

/// <summary>The moment between the last byte of an answer and the end of its stream, in which a node can die as in any other.</summary>
public sealed class ResponseRelayTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task An_answer_that_is_there_to_the_last_byte_is_whole_though_its_stream_does_not_end(bool atOnce) =>
        Assert.Equal("the whole", await RelayAsync("the whole", length: 9, atOnce));

    /// <summary>A node that says nothing any more is held for dead, and whoever waits for it is told to wait no longer.</summary>
    [Fact]
    public async Task And_though_its_owner_is_held_for_dead_meanwhile() =>
        Assert.Equal("the whole", await RelayAsync("the whole", length: 9, atOnce: false, end: new OperationCanceledException()));

    [Theory, InlineData(false), InlineData(true)]
    public async Task One_of_which_bytes_are_missing_is_not(bool atOnce) =>
        await Assert.ThrowsAsync<IOException>(() => RelayAsync("the", length: 9, atOnce));

    [Fact]
    public async Task Nor_is_one_without_a_length_or_before_its_trailers()
    {
        await Assert.ThrowsAsync<IOException>(() => RelayAsync("the whole", length: null, atOnce: true));
        await Assert.ThrowsAsync<IOException>(() => RelayAsync("the whole", length: 9, atOnce: true, trailer: "x-sum"));
    }

    private static async Task<string> RelayAsync(string body, long? length, bool atOnce, string? trailer = null, Exception? end = null)
    {
        using var from = new HttpResponseMessage { Content = new StreamContent(new Broken(Encoding.ASCII.GetBytes(body), atOnce, end ?? new IOException("The node is gone."))) };
        from.Content.Headers.ContentLength = length;
        if (trailer is not null) from.Headers.Trailer.Add(trailer);
        using var sent = new MemoryStream();
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(sent));
        await ResponseRelay.RunAsync(context, from, default);
        await context.Response.CompleteAsync();
        return Encoding.ASCII.GetString(sent.ToArray());
    }

    /// <summary>Gives its bytes, and then breaks: at once, or a moment later.</summary>
    private sealed class Broken(byte[] bytes, bool atOnce, Exception end) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            if (count > 0) return count;
            if (!atOnce) await Task.Yield();
            throw end;
        }
    }
}
