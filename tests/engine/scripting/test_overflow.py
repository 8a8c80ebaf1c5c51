"""A script's stack ends between its commands, never within one."""

from __future__ import annotations

import miniredis.commands  # noqa: F401
from miniredis.engine.engine import Engine
from miniredis.engine.version import VERSIONS

RECURSION = b"""
local n = 0
local function deeper()
  n = n + 1
  if n > 15000 then
    redis.call('ZADD', 'z', n % 7, n)
    redis.call('XADD', 's', n, 'f', n)
  end
  local x = deeper()
  return x
end
local function further(steps)
  if steps == 0 then return pcall(deeper) end
  local x = further(steps - 1)
  return x
end
return {tostring(further(tonumber(ARGV[1]))), n}
"""


def test_no_command_is_cut_short() -> None:
    engine = Engine(VERSIONS["redis-7.0"])
    session = engine.connect(lambda reply: None)
    for steps in range(3):
        engine.execute(session, [b"FLUSHALL"])
        reply = engine.execute(session, [b"EVAL", RECURSION, b"0", b"%d" % steps])
        assert isinstance(reply, list)
        assert reply[0] == b"false"
        members = engine.execute(session, [b"ZRANGE", b"z", b"0", b"-1"])
        entries = engine.execute(session, [b"XRANGE", b"s", b"-", b"+"])
        assert isinstance(members, list)
        assert isinstance(entries, list)
        assert engine.execute(session, [b"ZCARD", b"z"]) == len(members) > 0
        assert engine.execute(session, [b"XLEN", b"s"]) == len(entries) > 0
