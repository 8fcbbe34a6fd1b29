-- The load: the same request for one session after the other. Arguments: the method, and a file with one cookie a line.
-- The last line of the output is what the bench reads.
local requests, current = {}, 0

function init(args)
  for cookie in io.lines(args[2]) do
    requests[#requests + 1] = wrk.format(args[1], "/cart", cookie ~= "" and { ["Cookie"] = cookie } or {})
  end
end

function request()
  current = current % #requests + 1
  return requests[current]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("result %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
