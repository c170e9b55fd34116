#!lua name=parley_VERSION

-- Live state of sessions (docs/architecture.md, "Live state in Redis"). All keys of a call share one hash tag, so one call is
-- atomic and touches one slot. A call carries many operations: `name, count of arguments, arguments…`; each gives one reply.
--
--   T:u:<bare>   hash  sid → directory value, '#' → version of this account's list
--   T:r:<bare>   hash  resource → sid
--   T:s:<sid>    hash  b bare, r resource, st live|held|ending, ow owner, ep epoch, g generation, in, out, ack, q hold (ms),
--                      tb bytes of all packets ever numbered, ab of those acknowledged,
--                      cu packets that waited in the log, qt quiet; when it ends: en directory value, by closer's mark,
--                      fi the node that is to finish it
--   T:q:<sid>    stream n-0 → p packet, t bytes up to here: what the client has not acknowledged
--   T:m:<sid>    zset  mid → n, so that a repeat has no second effect;  T:o:<sid>  the same, of the time before (mt: until when)
--   T:w:<sid>    stream of packets kept back from a quiet client; T:k:<sid> hash  what may be replaced → its id
--   T:d:<sid>    set   addresses that have directed presence
--   T:n:<node>   set   sids that a node serves
--   T:held       zset  sid → when it ends;  T:e  zset  sid → when its end was reported
--   T:n          number  of sessions
--   T:v          number  the last version given;  T:c  number  calls that changed something;  T:g  number  generation
--   T:boot       hash  run id of this Redis, T:c when it was first seen, and a name for the life that began then
--   T:nodes      zset  node → when its lease ends;  T:node:<node>  what it says of itself, or that it is dead
--   T:dead:<node>      others have taken over what it had: nothing that it says is done any more
--   T:own:<name> what node has something of that name (a room);  T:note:<name> hash  what it would leave to its successor
-- Channels: T:in:<node> what concerns the sessions of a node; T:dir changes of the directory; T:all for every node.

local QUEUE, DIRECTED, WAITING, CHARS = 1, 2, 3, 4
-- A node that says something again, or late, has done so by then, or was given up: its lease, the janitor's turn, and some more (ms).
local MIDS_KEPT = 20000
local REPORT_AGAIN = 60000
local WRAP = 4294967296

local function call(...)
  return redis.call(...)
end

local T, node, now, real, time, limits

local function say(owner, text)
  return call('SPUBLISH', T .. ':in:' .. owner, text)
end

-- Puts a session into the directory, or takes it out. Versions tell nodes which changes they have missed.
local function list(bare, sid, value)
  local key = T .. ':u:' .. bare
  local before = call('HGET', key, '#') or '0'
  local version = '0'
  if value then
    version = tostring(call('INCR', T .. ':v'))
    call('HSET', key, sid, value, '#', version)
  elseif call('HDEL', key, sid) == 1 and call('HLEN', key) > 1 then
    version = tostring(call('INCR', T .. ':v'))
    call('HSET', key, '#', version)
  elseif call('HLEN', key) <= 1 then
    call('DEL', key)
  else
    return
  end
  call('SPUBLISH', T .. ':dir', bare .. '\n' .. before .. '\n' .. version .. '\n' .. sid .. '\n' .. (value or ''))
end

local function packets(key)
  local found = {}
  for i, entry in ipairs(call('XRANGE', key, '-', '+')) do found[i] = entry[2][2] end
  return found
end

-- What is left of a session that ends.
local function report(sid)
  local s = call('HMGET', T .. ':s:' .. sid, 'b', 'en', 'in')
  local left = packets(T .. ':q:' .. sid)
  for _, packet in ipairs(packets(T .. ':w:' .. sid)) do left[#left + 1] = packet end
  return { sid, s[1], s[2], s[3], call('SMEMBERS', T .. ':d:' .. sid), left }
end

-- Takes a session from everybody. What it leaves stays until it is finished (see `finished`), so that a crash loses nothing.
local function finish(sid, mark)
  local key = T .. ':s:' .. sid
  local s = call('HMGET', key, 'st', 'ow', 'b', 'r')
  if not s[1] or s[1] == 'ending' then return false end
  if s[1] == 'live' and s[2] ~= node then say(s[2], 'r\n' .. sid .. '\n' .. mark) end
  call('DECR', T .. ':n')
  call('HSET', key, 'st', 'ending', 'en', call('HGET', T .. ':u:' .. s[3], sid) or '', 'by', mark, 'fi', node)
  call('ZADD', T .. ':e', now, sid)
  call('ZREM', T .. ':held', sid)
  call('SREM', T .. ':n:' .. s[2], sid)
  if call('HGET', T .. ':r:' .. s[3], s[4]) == sid then call('HDEL', T .. ':r:' .. s[3], s[4]) end
  list(s[3], sid, nil)
  return report(sid)
end

-- The number that a packet has already.
local function numberOf(sid, mid)
  return call('ZSCORE', T .. ':m:' .. sid, mid) or call('ZSCORE', T .. ':o:' .. sid, mid)
end

-- Forgets the mids of the time before when another one has passed.
local function forget(sid, since)
  if since and now < since + MIDS_KEPT then return end
  call('HSET', T .. ':s:' .. sid, 'mt', now)
  call('UNLINK', T .. ':o:' .. sid)
  if call('EXISTS', T .. ':m:' .. sid) == 1 then call('RENAME', T .. ':m:' .. sid, T .. ':o:' .. sid) end
end

-- Numbers a packet and keeps it. Gives its number; nothing for a repeat.
local function push(sid, s, mid, packet)
  if call('ZSCORE', T .. ':o:' .. sid, mid) then return nil end
  local n = s.out + 1
  if call('ZADD', T .. ':m:' .. sid, 'NX', n, mid) == 0 then return nil end
  s.out = n
  s.total = s.total + #packet
  call('HSET', T .. ':s:' .. sid, 'out', n, 'tb', s.total)
  call('XADD', T .. ':q:' .. sid, n .. '-0', 'p', packet, 't', s.total)
  return n
end

-- The client has taken everything up to a number; the numbers are known to be right.
local function release(sid, count)
  local queue = T .. ':q:' .. sid
  local last = call('XRANGE', queue, count .. '-0', count .. '-0')[1]
  call('HSET', T .. ':s:' .. sid, 'ack', count, 'ab', last[2][4])
  call('XTRIM', queue, 'MINID', count + 1 .. '-0')
end

-- A quiet client is to be bothered: what has waited goes into the queue, in order. False: it does not fit.
local function wake(sid, s)
  local waiting = call('XRANGE', T .. ':w:' .. sid, '-', '+')
  if s.out - s.ack + #waiting > limits[QUEUE] then return false end
  for _, entry in ipairs(waiting) do
    local n = push(sid, s, entry[2][4], entry[2][2])
    if n and s.st == 'live' then say(s.ow, 'd\n' .. sid .. '\n' .. n .. '\n' .. entry[2][2]) end
  end
  call('DEL', T .. ':w:' .. sid, T .. ':k:' .. sid)
  return true
end

local function keepBack(sid, key, mid, packet)
  local w, k = T .. ':w:' .. sid, T .. ':k:' .. sid
  local earlier = call('HGET', k, key)
  if earlier then call('XDEL', w, earlier) end
  call('HSET', k, key, call('XADD', w, '*', 'p', packet, 'm', mid))
end

local ops = {}

-- sid, bare, resource, directory value → what is left of the session that had this address, or false
function ops.open(a, i)
  local sid, bare, resource = a[i], a[i + 1], a[i + 2]
  local key = T .. ':s:' .. sid
  local known = call('HMGET', key, 'st', 'rp')
  -- Asked again after a broken connection.
  if known[1] then
    local earlier = known[2] and call('HGET', T .. ':s:' .. known[2], 'st')
    return { earlier == 'ending' and report(known[2]) }
  end
  local earlier = call('HGET', T .. ':r:' .. bare, resource)
  local ended = earlier and finish(earlier, sid)
  call('HSET', key, 'b', bare, 'r', resource, 'st', 'live', 'ow', node, 'ep', 1, 'in', 0, 'out', 0, 'ack', 0,
    'tb', 0, 'ab', 0, 'g', call('GET', T .. ':g') or 0)
  if earlier then call('HSET', key, 'rp', earlier) end
  call('INCR', T .. ':n')
  call('HSET', T .. ':r:' .. bare, resource, sid)
  call('SADD', T .. ':n:' .. node, sid)
  list(bare, sid, a[i + 3])
  return { ended }
end

-- sid, bare, directory value
function ops.update(a, i)
  local state = call('HGET', T .. ':s:' .. a[i], 'st')
  if state and state ~= 'ending' then list(a[i + 1], a[i], a[i + 2]) end
  return 1
end

-- sid, epoch or '', mark of this call → what is left, or false
function ops.close(a, i)
  local s = call('HMGET', T .. ':s:' .. a[i], 'st', 'ep', 'by')
  if s[1] == 'ending' then return { s[3] == a[i + 2] and report(a[i]) } end
  if not s[1] or (a[i + 1] ~= '' and s[2] ~= a[i + 1]) then return { false } end
  return { finish(a[i], a[i + 2]) }
end

-- sid
function ops.finished(a, i)
  local sid = a[i]
  if call('HGET', T .. ':s:' .. sid, 'st') ~= 'ending' then return 0 end
  call('ZREM', T .. ':e', sid)
  for _, kind in ipairs({ 's', 'q', 'm', 'o', 'w', 'k', 'd' }) do call('DEL', T .. ':' .. kind .. ':' .. sid) end
  return 1
end

-- bare → version, then sid and value of each session
function ops.lookup(a, i)
  return call('HGETALL', T .. ':u:' .. a[i])
end

-- sid, mid, 1 when it cannot wait, 1 when it waits while the log is read, what it replaces, packet → number or a word
function ops.deliver(a, i)
  local sid, mid, packet = a[i], a[i + 1], a[i + 5]
  local s = call('HMGET', T .. ':s:' .. sid, 'st', 'ow', 'out', 'ack', 'q', 'cu', 'qt', 'tb', 'ab')
  if not s[1] or s[1] == 'ending' then return 'gone' end
  if not s[5] then
    say(s[2], 'm\n' .. sid .. '\n' .. packet)
    return 'ok'
  end
  if s[6] and a[i + 3] == '1' then
    call('HINCRBY', T .. ':s:' .. sid, 'cu', 1)
    return 'later'
  end
  local state = { st = s[1], ow = s[2], out = tonumber(s[3]), ack = tonumber(s[4]), total = tonumber(s[8]) }
  if s[7] then
    if a[i + 2] ~= '1' and call('XLEN', T .. ':w:' .. sid) < limits[WAITING] then
      keepBack(sid, a[i + 4], mid, packet)
      return 'ok'
    end
    if not wake(sid, state) then return { finish(sid, 'full') } end
  end
  local kept = state.total - tonumber(s[9])
  if state.out - state.ack >= limits[QUEUE] or (kept > 0 and kept + #packet > limits[CHARS]) then
    local n = numberOf(sid, mid)
    return n and { 'dup', n } or { finish(sid, 'full') }
  end
  local n = push(sid, state, mid, packet)
  if not n then return { 'dup', numberOf(sid, mid) } end
  if state.st == 'live' and state.ow ~= node then say(state.ow, 'd\n' .. sid .. '\n' .. n .. '\n' .. packet) end
  return n
end

-- node, text: for sessions without numbers → how many heard it
function ops.mail(a, i)
  return say(a[i], 'b\n' .. a[i + 1])
end

-- sid, 1 or 0
function ops.catchup(a, i)
  local key = T .. ':s:' .. a[i]
  if call('EXISTS', key) == 0 then return 0 end
  if a[i + 1] == '1' then call('HSET', key, 'cu', 0) else call('HDEL', key, 'cu') end
  return 1
end

-- sid, how many had waited when it was asked before → how many have; the same: it has caught up
function ops.caughtup(a, i)
  local waited = call('HGET', T .. ':s:' .. a[i], 'cu')
  if not waited then return tonumber(a[i + 1]) end
  if waited == a[i + 1] then call('HDEL', T .. ':s:' .. a[i], 'cu') end
  return tonumber(waited)
end

-- bare → packets that wait for clients of the account
function ops.pending(a, i)
  local found = {}
  for _, sid in ipairs(call('HKEYS', T .. ':u:' .. a[i])) do
    for _, kind in ipairs({ ':q:', ':w:' }) do
      for _, packet in ipairs(packets(T .. kind .. sid)) do
        local owed = string.match(packet, '^(%d+)\n')
        if owed then found[#found + 1] = owed end
      end
    end
  end
  return found
end

-- sid, 1 or 0
function ops.quiet(a, i)
  local sid = a[i]
  local key = T .. ':s:' .. sid
  local s = call('HMGET', key, 'st', 'ow', 'out', 'ack', 'q', 'qt', 'tb')
  if s[1] ~= 'live' or not s[5] then return 0 end
  if a[i + 1] == '1' then
    call('HSET', key, 'qt', 1)
  elseif s[6] then
    call('HDEL', key, 'qt')
    local fits = wake(sid, { st = s[1], ow = s[2], out = tonumber(s[3]), ack = tonumber(s[4]), total = tonumber(s[7]) })
    if not fits then return { finish(sid, 'full') } end
  end
  return 1
end

-- sid, hold
function ops.enable(a, i)
  local key = T .. ':s:' .. a[i]
  if call('HGET', key, 'st') == 'live' then call('HSETNX', key, 'q', a[i + 1]) end
  return 1
end

local function mine(sid, epoch)
  local s = call('HMGET', T .. ':s:' .. sid, 'st', 'ep')
  return s[1] == 'live' and s[2] == epoch
end

-- sid, epoch, count
function ops.ack(a, i)
  local sid = a[i]
  if not mine(sid, a[i + 1]) then return 'fenced' end
  local key = T .. ':s:' .. sid
  local s = call('HMGET', key, 'out', 'ack', 'mt')
  local count = tonumber(a[i + 2])
  if count > tonumber(s[1]) then return 'too-high' end
  if count > tonumber(s[2]) then
    release(sid, count)
    forget(sid, tonumber(s[3]))
  end
  return 'ok'
end

-- sid, epoch, count
function ops.inbound(a, i)
  if not mine(a[i], a[i + 1]) then return 'fenced' end
  local key = T .. ':s:' .. a[i]
  if tonumber(a[i + 2]) > tonumber(call('HGET', key, 'in')) then call('HSET', key, 'in', a[i + 2]) end
  return 'ok'
end

local function keep(sid, hold, owner)
  call('HSET', T .. ':s:' .. sid, 'st', 'held')
  call('ZADD', T .. ':held', now + hold, sid)
  call('SREM', T .. ':n:' .. owner, sid)
end

-- sid, epoch
function ops.hold(a, i)
  local s = call('HMGET', T .. ':s:' .. a[i], 'st', 'ep', 'q')
  if s[2] ~= a[i + 1] or s[1] == 'ending' then return 'fenced' end
  if not s[3] or s[3] == '0' then return 'over' end
  if s[1] == 'live' then keep(a[i], tonumber(s[3]), node) end
  return 'held'
end

-- sid, bare, h as the client says it → directory value, epoch, in, ack, what is released, what is not acknowledged
function ops.resume(a, i)
  local sid = a[i]
  local key = T .. ':s:' .. sid
  local f = call('HMGET', key, 'st', 'b', 'q', 'ep', 'in', 'out', 'ack', 'ow', 'g', 'tb')
  if not f[1] or f[1] == 'ending' or f[2] ~= a[i + 1] or not f[3] or f[3] == '0' then return 'gone' end
  -- The numbers of an earlier generation may have been given twice.
  if f[9] ~= (call('GET', T .. ':g') or '0') then return 'gone' end
  local s = { st = 'resuming', ow = f[8], out = tonumber(f[6]), ack = tonumber(f[7]), total = tonumber(f[10]) }
  local count = s.ack + (tonumber(a[i + 2]) - s.ack % WRAP + WRAP) % WRAP
  if count > s.out then return 'bad-h' end
  local released = {}
  for j, entry in ipairs(call('XRANGE', T .. ':q:' .. sid, '-', count .. '-0')) do released[j] = entry[2][2] end
  if count > s.ack then release(sid, count) end
  s.ack = count
  if not wake(sid, s) then return 'gone' end
  if f[1] == 'live' and f[8] ~= node then say(f[8], 'r\n' .. sid .. '\ntaken\n' .. f[4] + 1) end
  call('SREM', T .. ':n:' .. f[8], sid)
  call('SADD', T .. ':n:' .. node, sid)
  call('ZREM', T .. ':held', sid)
  call('HSET', key, 'st', 'live', 'ow', node, 'ep', f[4] + 1, 'ack', count)
  call('HDEL', key, 'qt')
  return { call('HGET', T .. ':u:' .. f[2], sid), f[4] + 1, f[5], count, released, packets(T .. ':q:' .. sid) }
end

-- sid, number → the packets behind it
function ops.missed(a, i)
  local found = {}
  for _, entry in ipairs(call('XRANGE', T .. ':q:' .. a[i], a[i + 1] + 1 .. '-0', '+', 'COUNT', 200)) do
    found[#found + 1] = string.match(entry[1], '^%d+')
    found[#found + 1] = entry[2][2]
  end
  return found
end

-- sid, address, 1 or 0
function ops.direct(a, i)
  local key = T .. ':d:' .. a[i]
  if a[i + 2] == '0' then
    call('SREM', key, a[i + 1])
  elseif call('HGET', T .. ':s:' .. a[i], 'st') == 'live' and call('SCARD', key) < limits[DIRECTED] then
    call('SADD', key, a[i + 1])
  end
  return 1
end

-- sid
function ops.directed(a, i)
  return call('SMEMBERS', T .. ':d:' .. a[i])
end

-- how many at most → ends of sessions whose time is over, and ends that nobody has finished
function ops.sweep(a, i)
  local ended = {}
  for _, sid in ipairs(call('ZRANGEBYSCORE', T .. ':held', '-inf', now, 'LIMIT', 0, a[i])) do
    ended[#ended + 1] = finish(sid, 'time') or nil
    call('ZREM', T .. ':held', sid)
  end
  for _, sid in ipairs(call('ZRANGEBYSCORE', T .. ':e', '-inf', now - REPORT_AGAIN, 'LIMIT', 0, a[i])) do
    call('ZADD', T .. ':e', now, sid)
    call('HSET', T .. ':s:' .. sid, 'fi', node)
    ended[#ended + 1] = report(sid)
  end
  return ended
end

-- dead node, how many at most → how many sessions it still has here, and the ends of those that cannot be resumed
function ops.reap(a, i)
  local dead = T .. ':n:' .. a[i]
  local ended = {}
  call('SET', T .. ':dead:' .. a[i], 1, 'EX', 86400)
  for _, sid in ipairs(call('SRANDMEMBER', dead, a[i + 1])) do
    local s = call('HMGET', T .. ':s:' .. sid, 'st', 'q', 'ep')
    if s[1] == 'live' and s[2] and s[2] ~= '0' then
      call('HSET', T .. ':s:' .. sid, 'ep', s[3] + 1)
      keep(sid, tonumber(s[2]), a[i])
    else
      ended[#ended + 1] = finish(sid, 'dead') or nil
    end
    call('SREM', dead, sid)
  end
  -- Ends that it was told of, and may not have told anybody.
  for _, sid in ipairs(call('ZRANGE', T .. ':e', 0, -1)) do
    local key = T .. ':s:' .. sid
    if #ended < tonumber(a[i + 1]) and call('HGET', key, 'fi') == a[i] then
      call('HSET', key, 'fi', node)
      call('ZADD', T .. ':e', now, sid)
      ended[#ended + 1] = report(sid)
    end
  end
  return { math.max(call('SCARD', dead), #ended < tonumber(a[i + 1]) and 0 or 1), ended }
end

-- how many at most → the ends of sessions of an earlier generation
function ops.fence(a, i)
  local ended = {}
  local generation = call('GET', T .. ':g') or '0'
  local function old(sid)
    if #ended < tonumber(a[i]) and call('HGET', T .. ':s:' .. sid, 'g') ~= generation then
      ended[#ended + 1] = finish(sid, 'fence') or nil
    end
  end
  for _, sid in ipairs(call('ZRANGE', T .. ':held', 0, -1)) do old(sid) end
  for j = i + 1, i + tonumber(a[i - 1]) - 1 do
    for _, sid in ipairs(call('SMEMBERS', T .. ':n:' .. a[j])) do old(sid) end
  end
  return ended
end

-- calls that this node knows of, in which life of Redis, 1 where another Redis than before is not to be trusted
-- → 1 when some of what was answered is lost, and the life: it ends when Redis is started again, replaced or emptied
function ops.hello(a, i)
  local key = T .. ':boot'
  local run = string.match(call('INFO', 'server'), 'run_id:(%x+)')
  local boot = call('HMGET', key, 'run', 'calls', 'life')
  local other = boot[1] ~= run
  if other then
    boot[2] = call('GET', T .. ':c') or '0'
    boot[3] = run .. '.' .. time
    call('DEL', key)
    call('HSET', key, 'run', run, 'calls', boot[2], 'life', boot[3])
  end
  -- In one life nothing gets lost, however often a connection breaks.
  if boot[3] == a[i + 1] then return { 0, boot[3] } end
  local strange = other and boot[1] and a[i + 2] == '1'
  if not strange and tonumber(a[i]) <= tonumber(boot[2]) then return { 0, boot[3] } end
  -- One generation for each time that something was lost, whoever notices first.
  if call('HSETNX', key, 'lost', 1) == 1 then call('INCR', T .. ':g') end
  return { 1, boot[3] }
end

-- length of a lease (ms), what the node says of itself, 1 for the first time → number of nodes; 'dead': others gave it up
function ops.renew(a, i)
  local key = T .. ':node:' .. node
  if a[i + 2] ~= '1' and call('EXISTS', key) == 0 then return 'dead' end
  if call('GET', key) == 'dead' then return 'dead' end
  call('SET', key, a[i + 1])
  call('ZADD', T .. ':nodes', real + a[i], node)
  return call('ZCARD', T .. ':nodes')
end

-- → nodes with the end of their leases and what they say, and the time
function ops.nodes()
  local found = { real }
  local all = call('ZRANGE', T .. ':nodes', 0, -1, 'WITHSCORES')
  for j = 1, #all, 2 do
    found[#found + 1] = all[j]
    found[#found + 1] = all[j + 1]
    found[#found + 1] = call('GET', T .. ':node:' .. all[j]) or ''
  end
  return found
end

-- A node whose lease is over has no say any more.
function ops.bury(a, i)
  local ends = call('ZSCORE', T .. ':nodes', a[i])
  if ends and tonumber(ends) > real then return 0 end
  call('SET', T .. ':node:' .. a[i], 'dead', 'EX', 86400)
  return 1
end

-- Nothing of the node is left.
function ops.leave(a, i)
  call('ZREM', T .. ':nodes', a[i])
  if call('GET', T .. ':node:' .. a[i]) ~= 'dead' then call('DEL', T .. ':node:' .. a[i]) end
  return 1
end

-- key, owner, lifetime (ms) → 1 when the owner has it now
function ops.claim(a, i)
  local key = T .. ':claim:' .. a[i]
  local owner = call('GET', key)
  if owner and owner ~= a[i + 1] then return 0 end
  call('SET', key, a[i + 1], 'PX', a[i + 2])
  return 1
end

-- key, owner
function ops.release(a, i)
  local key = T .. ':claim:' .. a[i]
  if call('GET', key) == a[i + 1] then call('DEL', key) end
  return 1
end

-- name, an owner that is known to be gone, or '', 0 when this node may not have it → the owner, and 1 when this node has become it
function ops.place(a, i)
  local key = T .. ':own:' .. a[i]
  local owner = call('GET', key)
  if owner and owner ~= a[i + 1] and call('EXISTS', T .. ':dead:' .. owner) == 0 then return { owner, 0 } end
  if a[i + 2] == '0' then return { '', 0 } end
  call('SET', key, node)
  return { node, owner == node and 0 or 1 }
end

-- name: this node has it no longer, and leaves nothing
function ops.unplace(a, i)
  if call('GET', T .. ':own:' .. a[i]) ~= node then return 0 end
  call('DEL', T .. ':own:' .. a[i], T .. ':note:' .. a[i])
  return 1
end

-- name, field, value; without a value it is forgotten
function ops.note(a, i)
  if call('GET', T .. ':own:' .. a[i]) ~= node then return 0 end
  if a[i + 2] == '' then call('HDEL', T .. ':note:' .. a[i], a[i + 1]) else call('HSET', T .. ':note:' .. a[i], a[i + 1], a[i + 2]) end
  return 1
end

-- name → fields and values
function ops.notes(a, i)
  return call('HGETALL', T .. ':note:' .. a[i])
end

-- node, text for it alone → how many heard it
function ops.post(a, i)
  return say(a[i], 'p\n' .. a[i + 1])
end

-- text for every node
function ops.tell(a, i)
  call('SPUBLISH', T .. ':all', a[i])
  return 1
end

-- how many sessions there are
function ops.count()
  return tonumber(call('GET', T .. ':n') or 0)
end

local READS = { lookup = true, pending = true, missed = true, directed = true, notes = true, nodes = true, count = true, post = true, mail = true, tell = true }

-- node, milliseconds to add to the clock, limits of queue, directed presence, waiting packets and bytes, operations
-- → number of the call (0: it changed nothing; -1: nothing is done for a node that was given up), and the replies
local function run(keys, args)
  T, node = keys[1], args[1]
  if call('EXISTS', T .. ':dead:' .. node) == 1 then return { -1 } end
  limits = { tonumber(args[3]), tonumber(args[4]), tonumber(args[5]), tonumber(args[6]) }
  local clock = call('TIME')
  time = clock[1] .. '.' .. clock[2]
  -- Leases are those of processes, whatever time it is in a play.
  real = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
  now = real + tonumber(args[2])
  local replies, changes = { 0 }, false
  local i = 7
  while i <= #args do
    local count = tonumber(args[i + 1])
    replies[#replies + 1] = ops[args[i]](args, i + 2)
    changes = changes or not READS[args[i]]
    i = i + 2 + count
  end
  replies[1] = changes and call('INCR', T .. ':c') or 0
  return replies
end

redis.register_function('parley_VERSION', run)
