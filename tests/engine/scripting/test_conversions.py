"""Tables that are returned: how deep they may be, which is for Lua's stack to say."""

from __future__ import annotations

import pytest

from conformance.servers import Server, start_miniredis

DEEP = [
    "local z = {} z[1] = z return z",
    "local z = {} z[1] = {z} return z",
    "local z = {} for i = 1, 7994 do z = {z} end return z",
    "redis.setresp(3) local z = {} z.map = {a = z} return z",
    "redis.setresp(3) local z = {} z.map = {[z] = 1} return z",
    "redis.setresp(3) local z = {} z.set = {[z] = true} return z",
    "redis.setresp(3) local z = {} z[1] = {map = {a = z}} return z",
]


@pytest.mark.parametrize("script", DEEP)
def test_a_table_in_itself_is_returned_as_deep_as_on_a_real_server(redis_server: Server, script: str) -> None:
    with start_miniredis(emulate="redis-7.0") as ours, ours.connect() as left, redis_server.connect() as right:
        replies = []
        for wire in (left, right):
            wire.send("EVAL", script, "0")
            replies.append(wire.read().raw)
        assert replies[0] == replies[1]
        assert left.call("PING").raw == b"+PONG\r\n"
