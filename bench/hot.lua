-- The load of --hot: all clients add one to the same counter. The last line of the output is what the bench reads.
local generator
added, conflicts = 0, 0

function setup(thread) generator = thread end

function request() return wrk.format("POST", "/counters/hot") end

function response(status)
  if status == 200 then added = added + 1 elseif status == 409 then conflicts = conflicts + 1 end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("hot %d %d %d %d %d %d\n", generator:get("added"), generator:get("conflicts"), summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.timeout + e.status - generator:get("conflicts")))
end
