-- The events of a row that is there. KEYS row, journal; ARGV: those after this number, at most so many.
local head = redis.call('GETRANGE', KEYS[1], 0, 8)
if string.byte(head) ~= 1 then return {} end
local ends, time = struct.unpack('>I8', head, 2), redis.call('TIME')
if ends > 0 and ends <= time[1] * 1000 + math.floor(time[2] / 1000) then return {} end
local oldest = redis.call('LINDEX', KEYS[2], 0)
if not oldest then return {} end
local from = math.max(0, ARGV[1] + 1 - struct.unpack('>I8', oldest))
return redis.call('LRANGE', KEYS[2], from, from + ARGV[2] - 1)
