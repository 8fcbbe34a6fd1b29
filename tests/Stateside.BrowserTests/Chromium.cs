using Microsoft.Playwright;

namespace Stateside.BrowserTests;

/// <summary>One Chromium for all tests of a class; each test is a visitor of its own in it, and what one visitor's browser keeps no other sees.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private const string Program = "/usr/bin/chromium";

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        if (!File.Exists(Program)) throw new InvalidOperationException($"{Program} is not there. Install it: apt-get install chromium");
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Program, Headless = true, Args = ["--no-sandbox", "--disable-dev-shm-usage"] });
        // The machine may be busy with other tests' servers.
        Assertions.SetDefaultExpectTimeout(30_000);
    }

    /// <summary>A visitor who has never been here.</summary>
    public Task<IBrowserContext> VisitorAsync() => _browser!.NewContextAsync();

    public async Task DisposeAsync()
    {
        if (_browser is not null) await _browser.CloseAsync();
        _playwright?.Dispose();
    }
}
