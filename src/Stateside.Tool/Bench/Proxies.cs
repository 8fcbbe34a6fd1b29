using System.Net;

namespace Stateside.Tool.Bench;

/// <summary>The proxies of others that <c>bench --forward</c> compares with: one thread each, kept connections on both sides, no log.</summary>
internal static class Proxies
{
    /// <summary>Finds a program, also where the search path of an ordinary user does not lead.</summary>
    /// <param name="package">The Debian package, named like its program.</param>
    /// <param name="cancellationToken">Ends the installation.</param>
    /// <exception cref="UsageException">It is missing, with the line that installs it.</exception>
    public static async Task<string> EnsureAsync(string package, CancellationToken cancellationToken)
    {
        var program = $"/usr/sbin/{package}";
        if (!File.Exists(program)) await LoadGenerator.InstallAsync(package, cancellationToken);
        return File.Exists(program) ? program : throw new UsageException($"{package} is missing. Install it: apt-get install {package} (Debian, Ubuntu), or leave it out with --only");
    }

    /// <summary>Starts HAProxy in front of a server.</summary>
    /// <param name="data">Where its configuration and log go.</param>
    /// <param name="port">Where it listens, on 127.0.0.1.</param>
    /// <param name="server">The port of the server, on 127.0.0.1.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends it too.</param>
    public static async Task<ServerProgram> StartHaproxyAsync(string data, int port, int server, TimeProvider time, CancellationToken cancellationToken)
    {
        var program = await EnsureAsync("haproxy", cancellationToken);
        var file = await WriteAsync(data, "haproxy.cfg", $$"""
            global
                nbthread 1
                maxconn 4096
            defaults
                mode http
                http-reuse always
                option forwardfor
                timeout connect 2s
                timeout client 30s
                timeout server 30s
            frontend front
                bind 127.0.0.1:{{port}}
                default_backend node
            backend node
                server node 127.0.0.1:{{server}}

            """, cancellationToken);
        return await ServerProgram.StartAsync([program, "-db", "-f", file], Path.Combine(data, "haproxy.log"), new IPEndPoint(IPAddress.Loopback, port), Url(port), time, cancellationToken);
    }

    /// <summary>Starts nginx in front of a server; parameters as for HAProxy.</summary>
    public static async Task<ServerProgram> StartNginxAsync(string data, int port, int server, TimeProvider time, CancellationToken cancellationToken)
    {
        var program = await EnsureAsync("nginx", cancellationToken);
        // nginx closes a connection after a thousand requests unless told otherwise; the others keep theirs.
        var file = await WriteAsync(data, "nginx.conf", $$"""
            {{(Native.IsRoot ? "user root;" : "")}}
            worker_processes 1;
            daemon off;
            pid {{data}}/nginx.pid;
            error_log {{data}}/nginx.log;
            events { worker_connections 4096; }
            http {
                access_log off;
                client_body_temp_path {{data}}/nginx-body;
                proxy_temp_path {{data}}/nginx-proxy;
                fastcgi_temp_path {{data}}/nginx-fastcgi;
                uwsgi_temp_path {{data}}/nginx-uwsgi;
                scgi_temp_path {{data}}/nginx-scgi;
                keepalive_requests 100000000;
                upstream node {
                    server 127.0.0.1:{{server}};
                    keepalive 256;
                    keepalive_requests 100000000;
                }
                server {
                    listen 127.0.0.1:{{port}};
                    location / {
                        proxy_pass http://node;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    }
                }
            }

            """, cancellationToken);
        return await ServerProgram.StartAsync([program, "-c", file, "-p", data], Path.Combine(data, "nginx.out"), new IPEndPoint(IPAddress.Loopback, port), Url(port), time, cancellationToken);
    }

    private static async Task<string> WriteAsync(string data, string name, string text, CancellationToken cancellationToken)
    {
        var file = Path.Combine(data, name);
        await File.WriteAllTextAsync(file, text, cancellationToken);
        return file;
    }

    private static string Url(int port) => $"http://127.0.0.1:{port}";
}
