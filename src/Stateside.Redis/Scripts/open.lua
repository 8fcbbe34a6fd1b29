-- Tries what the other scripts use, so that a server or an account that lacks a part is refused before there is anything to
-- lose; then says whose layout the prefix holds, and marks it where it is new. KEYS layout, probe; ARGV the layout's number.
local probe, time = KEYS[2], redis.call('TIME')
redis.call('UNLINK', probe, probe .. 'z', probe .. 'h', probe .. 'l')
redis.call('SET', probe, struct.pack('>BI8', 1, time[1] * 1000 + 60000), 'PXAT', time[1] * 1000 + 60000)
redis.call('SETRANGE', probe, 1, struct.pack('>I8', 7))
assert(struct.unpack('>I8', redis.call('GETRANGE', probe, 0, 44), 2) == 7)
redis.call('ZADD', probe .. 'z', 'inf', 'a')
redis.call('ZREMRANGEBYSCORE', probe .. 'z', '-inf', '(1')
assert(redis.call('ZRANGE', probe .. 'z', -1, -1, 'WITHSCORES')[2] == 'inf' and redis.call('ZCARD', probe .. 'z') == 1)
redis.call('PEXPIREAT', probe .. 'z', time[1] * 1000 + 60000)
redis.call('PERSIST', probe .. 'z')
redis.call('ZREM', probe .. 'z', 'a')
redis.call('HSET', probe .. 'h', 'a', '1')
assert(redis.call('HLEN', probe .. 'h') == 1 and redis.call('HGET', probe .. 'h', 'a') == '1')
redis.call('HDEL', probe .. 'h', 'a')
redis.call('RPUSH', probe .. 'l', 'a')
assert(redis.call('LLEN', probe .. 'l') == 1 and #redis.call('LRANGE', probe .. 'l', 0, 0) == 1)
redis.call('UNLINK', probe, probe .. 'l')
local there = redis.call('GET', KEYS[1])
if there then return there end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
