"""Arguments that ask for more than a machine has: an error as Redis's where it has one, never a server that hangs."""

from __future__ import annotations

import random
import time

import pytest

from miniredis.resp.types import Error
from tests.commands.client import Client


@pytest.mark.parametrize("command", ["SRANDMEMBER set", "HRANDFIELD hash", "ZRANDMEMBER zset"])
@pytest.mark.parametrize("count", [-(2**63) + 1, -(2**31)])
def test_nobody_chooses_more_elements_than_a_reply_can_hold(command: str, count: int) -> None:
    client = Client()
    for line in ("SADD set a", "HSET hash a 1", "ZADD zset 1 a"):
        client(line)
    assert client(f"{command} {count}") == Error("ERR value is out of range")
    assert client(f"{command} -3") == [b"a"] * 3


@pytest.mark.parametrize(("longer", "is_refused"), [(11584, False), (11586, True)])
def test_lcs_takes_strings_as_long_as_redis_does(longer: int, is_refused: bool) -> None:
    client = Client()
    client(f"SET a {'a' * 11583}")
    client(f"SET b {'b' * longer}")
    refusal = Error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    assert client("LCS a b LEN") == (refusal if is_refused else 0)


def test_lcs_of_long_strings_takes_no_time() -> None:
    client, rng = Client(), random.Random(1)
    for key in "ab":
        client(f"SET {key} {''.join(rng.choices('abcd', k=10_000))}")
    started = time.process_time()
    length = client("LCS a b LEN")
    common = client("LCS a b")
    assert isinstance(common, bytes)
    assert len(common) == length
    assert time.process_time() - started < 1  # a table of Python's integers takes ten seconds
