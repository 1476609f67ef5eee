"""Scripts that Redis and Valkey run: each as a whole, with nothing in between."""

import hashlib
from typing import Final

TAKE_TOKENS: Final = """\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local longest, owed = 0, {}
for i, key in ipairs(KEYS) do
  local tokens, rate, burst = ARGV[3 * i - 2] + 0, ARGV[3 * i - 1] + 0, ARGV[3 * i] + 0
  local missing, at = string.match(redis.call('GET', key) or '', '^([%d.e+-]+) (%d+)$')
  missing, at = tonumber(missing or '') or 0, tonumber(at or '') or now
  owed[i] = math.max(0, missing - math.max(0, now - at) * rate / 1000000)
  local lacking = owed[i] + math.min(tokens, burst) - burst
  if lacking > 0.001 then longest = math.max(longest, lacking / rate) end
end
for i, key in ipairs(KEYS) do
  if longest == 0 then owed[i] = owed[i] + ARGV[3 * i - 2] end
  if owed[i] > 0 then
    local life = math.min(math.ceil(owed[i] / ARGV[3 * i - 1] * 1000) + 1000, 1e12)
    local value = string.format('%.17g %.0f', owed[i], now)
    redis.call('SET', key, value, 'PX', string.format('%.0f', life))
  end
end
return string.format('%.17g', longest)
"""
"""Take tokens from all buckets or from none; returns the seconds to wait.

Keys are the buckets; arguments for each the tokens to take, those that it gets in a second, and the
most that it holds. A bucket is a text `MISSING AT`: the tokens that it lacked at a time of the
server's clock, in microseconds. Any other text counts as a full one. A key lives until it is full.
"""

TAKE_TOKENS_SHA: Final = hashlib.sha1(TAKE_TOKENS.encode()).hexdigest()  # noqa: S324 - its name on the server
"""Name of the script on a server that has run it."""
