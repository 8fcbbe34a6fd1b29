using Stateside.Check.Replicas;

namespace Stateside.Check.Tests.Replicas;

public sealed class LaunchFillTests
{
    private static readonly Uri s_address = new("http://127.0.0.7:4711");

    [Theory]
    [InlineData("php -S 127.0.0.1:{port} -t x", "php -S 127.0.0.7:4711 -t x")]
    [InlineData("serve --host 127.0.0.1 --port {port} --store redis://127.0.0.1:6379", "serve --host 127.0.0.7 --port 4711 --store redis://127.0.0.1:6379")]
    [InlineData("dotnet App.dll --urls http://127.0.0.1:{port} --id {i}", "dotnet App.dll --urls http://127.0.0.7:4711 --id 3")]
    [InlineData("serve -b 127.0.0.1 {port}", "serve -b 127.0.0.7 4711")]
    public void Who_says_where_it_listens_listens_on_an_address_of_its_own(string command, string filled)
    {
        var options = new LaunchOptions { Command = command };
        Assert.Equal(OperatingSystem.IsLinux(), LaunchFill.HasOwnAddress(options));
        Assert.Equal(filled, LaunchFill.Command(options, 3, s_address));
    }

    [Theory]
    [InlineData("node app.js {port}")]
    [InlineData("serve {port} --database-host 127.0.0.1")]
    [InlineData("serve {port} --redis=127.0.0.1")]
    [InlineData("serve {port} --store 127.0.0.1:6379")]
    [InlineData("serve --listen 127.0.0.1:{port} --admin-listen 127.0.0.1:{port}")]
    public void Who_does_not_or_names_another_service_there_gets_a_port_of_its_own(string command)
    {
        var options = new LaunchOptions { Command = command };
        Assert.False(LaunchFill.HasOwnAddress(options));
        Assert.Equal(command.Replace("{port}", "4711", StringComparison.Ordinal), LaunchFill.Command(options, 0, s_address));
    }
}
