-- The effects whose time has come, oldest first, of shards that lie on this server.
-- ARGV  1 most effects, 2 what stands before a shard's number in a key, 3 and on the shards.
-- It names no KEYS, because its shards have no slot in common; so it is sent to each primary, and a shard that has moved
-- away meanwhile (a call that fails) is found there, or with the next question.
local most, heads = tonumber(ARGV[1]), {}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 3, #ARGV do
  local first = redis.pcall('ZRANGE', ARGV[2] .. ARGV[i] .. '}:d', 0, 0, 'WITHSCORES')
  if not first.err and first[2] and tonumber(first[2]) <= now then heads[#heads + 1] = {tonumber(first[2]), ARGV[i]} end
end

-- Nothing younger than the oldest of so many shards can be among so many effects.
table.sort(heads, function(a, b) return a[1] < b[1] end)
local latest = #heads >= most and heads[most][1] or now
local found = {}
for i = 1, #heads do
  if heads[i][1] > latest then break end
  local members = redis.call('ZRANGE', ARGV[2] .. heads[i][2] .. '}:d', '-inf', latest, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  for m = 1, #members, 2 do found[#found + 1] = {tonumber(members[m + 1]), members[m], heads[i][2]} end
end
table.sort(found, function(a, b) return a[1] < b[1] end)
local answer = {}
for i = 1, math.min(most, #found) do
  local value = redis.call('HGET', ARGV[2] .. found[i][3] .. '}:e', found[i][2])
  if value then answer[#answer + 1] = {found[i][1], found[i][2], value} end
end
return answer
