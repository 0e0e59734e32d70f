// Redis runs each of these as one step, by its own clock.

/**
 * A list's holder says that it is there, and how far the list is.
 * KEYS: holder, lists, finished. ARGV: token, milliseconds, field, record, newly finished.
 * Answers 0 where somebody else holds the list.
 */
export const KEEP_LIST = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
redis.call('INCRBY', KEYS[3], ARGV[5])
return 1`;

/**
 * A list is let go by its holder; with a third argument it is over. KEYS: holder, lists. ARGV: token, field, 'over' or ''.
 */
export const LEAVE_LIST = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] == 'over' then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1`;

/** A worker says that it is there. KEYS: workers. ARGV: worker, milliseconds; 0 says goodbye. */
export const KEEP_WORKER = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[2] == '0' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
return redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])`;

/** How many workers are there. KEYS: workers. */
export const COUNT_WORKERS = `
local time = redis.call('TIME')
return redis.call('ZCOUNT', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), '+inf')`;
