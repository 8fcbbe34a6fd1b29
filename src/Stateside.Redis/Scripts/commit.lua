-- One commit: all checks first (fence, receipt, versions), then all writes. Whatever can fail fails before the first
-- write: the types of the keys are seen by then, and Redis refuses for want of memory, disk or role at the first write only.
--
-- KEYS  1 index of the group; then the rows; then, as the extras say: fence; receipt; due index, effects.
-- ARGV  1 a letter for each row: C check, T touch, P put, E put with events, D delete; small: with a time to live.
--       2 extras, '' or, big-endian: flags (1 byte: 1 fence, 2 receipt, 4 effects), effects done (4), effects set (4).
--       fence: the epoch in decimal.
--       receipt: the claim that must be there ('': none may be), time to live, lease, status (1), rest of the value.
--       each row: the expected version ('': none), if small the time to live, then
--         P, E: the value after its 9th byte; E: number of events, the events; D: the new version.
--       effects done: id. Effects set: id, delay, value.
-- Times are milliseconds in decimal. Answer: 1, {'f', epoch}, {'r', now, receipt} or {'c', now, {rows}}.
local call, sub, byte = redis.call, string.sub, string.byte
local TOMBSTONE, HOUR = 3600000, 3600000
-- True in the copy of this script that connections use which are told of changes.
local TRACKS = false
local letters, extras = ARGV[1], ARGV[2]
local rows, at = #letters, 3

-- Asked for only where something ends: a commit of rows without an end has no use for the time, and it costs as much as a read.
local clock
local function now()
  if not clock then
    local time = call('TIME')
    clock = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
  end
  return clock
end

local flags, done, set, epoch, raises, receipt, receiptKey, due, effects = 0, 0, 0

if extras ~= '' then
  flags, done, set = struct.unpack('>BII', extras)
  local key = rows + 2
  if flags % 2 == 1 then
    epoch, raises = ARGV[at], KEYS[key]
    local there = call('GET', raises)
    -- Decimal text without leading zeros: numbers of Lua would round large epochs.
    if there and (#there > #epoch or (#there == #epoch and there > epoch)) then return {'f', there} end
    at, key = at + 1, key + 1
  end
  if flags % 4 >= 2 then
    receipt, receiptKey = at, KEYS[key]
    local claim, there = ARGV[at], call('GETRANGE', receiptKey, 0, 64)
    if there ~= '' and struct.unpack('>I8', there, 2) <= now() then there = '' end
    local expected = there == ''
    if claim ~= '' then expected = there ~= '' and byte(there) ~= 2 and sub(there, 50, 65) == claim end
    if not expected then return {'r', now(), there ~= '' and call('GET', receiptKey)} end
    at, key = at + 5, key + 1
  end
  if flags >= 4 then
    due, effects = KEYS[key], KEYS[key + 1]
    call('ZCARD', due)
    call('HLEN', effects)
  end
end

-- A journal lies beside its row, under the letter j instead of r.
local function journal(row)
  local letter = string.find(row, '}', 1, true) + 2
  return sub(row, 1, letter - 1) .. 'j' .. sub(row, letter + 1)
end

local first, heads = at, {}
for i = 1, rows do
  local change, head = byte(letters, i), call('GETRANGE', KEYS[i + 1], 0, 44)
  if sub(head, 10, 33) == ARGV[at] then heads[i] = head
  elseif change ~= 84 and change ~= 116 then
    local all = {}
    for r = 1, rows do all[r] = call('GET', KEYS[r + 1]) end
    return {'c', now(), all}
  end
  at = at + 1
  if change > 96 then at, change = at + 1, change - 32 end
  if change == 80 then at = at + 1
  elseif change == 69 then
    call('LLEN', journal(KEYS[i + 1]))
    at = at + 2 + ARGV[at + 1]
  elseif change == 68 then at = at + 1 end
  if change == 68 or (change > 68 and #head ~= 45) then call('ZCARD', KEYS[1]) end
end

-- The index holds each row that is not deleted, with the full hour after its end (never: inf), and itself stays until
-- the last of these. So a row that is written again within its hour leaves the index alone.
local indexed
local function index(row, hour)
  if not indexed then
    call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now() - TOMBSTONE))
    indexed = true
  end
  local member = sub(row, #KEYS[1] + 2)
  if hour then call('ZADD', KEYS[1], hour == 0 and 'inf' or hour, member) else call('ZREM', KEYS[1], member) end
end

at = first
for i = 1, rows do
  local change, head, row, ends = byte(letters, i), heads[i], KEYS[i + 1], 0
  at = at + 1
  if change > 96 then
    ends, at, change = now() + ARGV[at], at + 1, change - 32
  end
  local was, old, sequence = head and #head == 45, 0, 0
  if was then
    old, sequence = struct.unpack('>I8', head, 2), struct.unpack('>I8', head, 38)
  end
  -- Of a mere check it is not asked.
  local lives = was and (old == 0 or change == 67 and ends == 0 or old > now())
  local hour, oldHour = ends + (-ends) % HOUR, was and old + (-old) % HOUR
  if change == 80 or change == 69 then
    if hour ~= oldHour then index(row, hour) end
    if ends == 0 then call('SET', row, '\1\0\0\0\0\0\0\0\0' .. ARGV[at])
    else call('SET', row, struct.pack('>BI8', 1, ends) .. ARGV[at], 'PXAT', ends + TOMBSTONE) end
    at = at + 1
    if change == 69 or sequence > 0 then
      local log = journal(row)
      if not lives then call('UNLINK', log) end
      if change == 69 then
        for e = at + 1, at + ARGV[at] do call('RPUSH', log, ARGV[e]) end
        at = at + 1 + ARGV[at]
      end
      if ends > 0 then call('PEXPIREAT', log, ends + TOMBSTONE) elseif old > 0 then call('PERSIST', log) end
    end
  elseif change == 68 then
    if was then index(row, nil) end
    if sequence > 0 then call('UNLINK', journal(row)) end
    call('SET', row, struct.pack('>BI8', 2, now()) .. ARGV[at], 'PXAT', now() + TOMBSTONE)
    at = at + 1
  elseif ends > 0 and lives then
    if hour ~= oldHour then index(row, hour) end
    call('SETRANGE', row, 1, struct.pack('>I8', ends))
    call('PEXPIREAT', row, ends + TOMBSTONE)
    if sequence > 0 then call('PEXPIREAT', journal(row), ends + TOMBSTONE) end
  end
end
if indexed then
  local last = call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  if last[2] == 'inf' then call('PERSIST', KEYS[1])
  elseif last[2] then call('PEXPIREAT', KEYS[1], last[2] + TOMBSTONE) end
end

if raises then call('SET', raises, epoch) end
if receipt then
  local ends, lease = now() + ARGV[receipt + 1], now() + ARGV[receipt + 2]
  call('SET', receiptKey, ARGV[receipt + 3] .. struct.pack('>I8I8', ends, lease) .. ARGV[receipt + 4], 'PXAT', ends)
end
for _ = 1, done do
  call('ZREM', due, ARGV[at])
  call('HDEL', effects, ARGV[at])
  at = at + 1
end
for _ = 1, set do
  call('ZADD', due, now() + ARGV[at + 1], ARGV[at])
  call('HSET', effects, ARGV[at], ARGV[at + 2])
  at = at + 3
end
-- A connection is told of changes to what it has read since it last changed; of its own (NOLOOP) it is told nothing. What was only
-- checked has been read above.
if TRACKS then
  for i = 1, rows do
    if byte(letters, i) ~= 67 then call('STRLEN', KEYS[i + 1]) end
  end
end
return 1
