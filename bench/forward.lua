-- The load of --forward. Arguments: the method, and a file with one cookie a line. GET reads one session's cart after the other, POST adds
-- to one counter after the other, so many as there are cookies. The last line of the output is what the bench reads.
local requests, current, generator = {}, 0, nil
request_bytes = 0

function setup(thread) generator = thread end

function init(args)
  for cookie in io.lines(args[2]) do
    local number = #requests + 1
    requests[number] = args[1] == "GET" and wrk.format("GET", "/cart", { ["Cookie"] = cookie })
      or wrk.format("POST", "/counters/forward-" .. number .. "/add", { ["Content-Type"] = "application/json" }, '{"value":1}')
    request_bytes = request_bytes + #requests[number]
  end
  request_bytes = math.floor(request_bytes / #requests + 0.5)
end

function request()
  current = current % #requests + 1
  return requests[current]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("result %d %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout, generator:get("request_bytes"), math.floor(summary.bytes / math.max(summary.requests, 1) + 0.5)))
end
