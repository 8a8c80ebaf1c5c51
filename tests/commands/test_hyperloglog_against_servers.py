"""HyperLogLogs of random sets: what PFADD, PFCOUNT and PFMERGE answer, and every byte of the string that they leave.

``MINIREDIS_SETS`` says how many sets there are and ``MINIREDIS_MEMBERS`` how many members one has at the most: unless
told, few and not so many, the same ones in every run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp.types import Reply
from tests.commands.client import Client

SETS: Final = int(os.environ.get("MINIREDIS_SETS", "60"))
MEMBERS: Final = int(os.environ.get("MINIREDIS_MEMBERS", "30000"))
EMULATED: Final = {"redis_server": "redis-7.0", "valkey_server": "valkey-9.1"}
SETS_EACH: Final = 10
BATCH: Final = 5000


@pytest.fixture(params=EMULATED)
def server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with server.connect(timeout=30) as connection:
        connection.call("FLUSHALL")
        yield connection
        connection.call("FLUSHALL")
        connection.call("CONFIG", "SET", "hll-sparse-max-bytes", 3000)


class Both:
    """A real server and this one: what is asked of both, and must be answered alike."""

    def __init__(self, server: Server, wire: Wire) -> None:
        self.wire, self.client = wire, Client(server.name)

    def __call__(self, *argv: bytes) -> Reply:
        theirs = self.wire.call(*argv).value
        assert self.client.engine.execute(self.client.session, list(argv)) == theirs, argv[:3]
        return theirs


def members(chance: Random, count: int) -> Iterator[Sequence[bytes]]:
    """So many different members, or about so many, in batches; those of a batch are of one length."""
    while count > 0:
        size, batch = chance.choice([2, 3, 7, 8, 9, 16, 21, 40]), min(count, BATCH)
        data = chance.randbytes(batch * size)
        yield [data[start : start + size] for start in range(0, len(data), size)]
        count -= batch


def size_of_set(chance: Random) -> int:
    """As many small sets as large ones: a thousand members are as likely as ten thousand, or a hundred."""
    return int(MEMBERS ** chance.random())


@pytest.mark.parametrize("seed", range(-(-SETS // SETS_EACH)))
def test_sets_are_counted_and_kept_as_there(server: Server, wire: Wire, seed: int) -> None:
    chance, both = Random(seed), Both(server, wire)
    keys = [b"k%d" % number for number in range(SETS_EACH)]
    both(b"CONFIG", b"SET", b"hll-sparse-max-bytes", chance.choice([b"3000", b"3000", b"0", b"200", b"16000"]))
    for key in keys:
        for batch in members(chance, size_of_set(chance)):
            both(b"PFADD", key, *batch)
            both(b"PFCOUNT", key)
        both(b"GET", key)
    for number in range(SETS_EACH):
        sources = chance.sample(keys, chance.randrange(1, 5))
        both(b"PFCOUNT", *sources)
        if chance.random() < 0.3:
            both(b"PFADD", b"to%d" % number, *next(members(chance, 50)))
        both(b"PFMERGE", b"to%d" % number, *sources)
        both(b"GET", b"to%d" % number)
        both(b"PFCOUNT", b"to%d" % number)
        both(b"GET", b"to%d" % number)
