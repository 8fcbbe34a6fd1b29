-- The load: the same request for one session after the other. Arguments: the method, and a file with one cookie a line.
-- The last line of the output is what the bench reads.
local requests, current, generator = {}, 0, nil
request_bytes = 0

function setup(thread) generator = thread end

function init(args)
  for cookie in io.lines(args[2]) do
    requests[#requests + 1] = wrk.format(args[1], "/cart", cookie ~= "" and { ["Cookie"] = cookie } or {})
    request_bytes = request_bytes + #requests[#requests]
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
