"""Clients in the server's process: ``python -m conformance.speed.in_process PORTIONS URL URL`` measures one round.

Every contender is a client of redis-py: of miniredis and of fakeredis in this process, of a real server at one *URL*,
of a miniredis at the other, and of nothing at all. They take turns in short portions, and what counts is each one's
fastest: a busy machine slows some of the portions down, and none is faster than it can be. Whoever is in this process
is measured by the time that it has a processor; a server's client by the clock, since it waits for another process. The
result is JSON on stdout: workload, contender and microseconds a call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import redis

from conformance.speed.contenders import FAKEREDIS, FLOOR, MINIREDIS, OVER_LOOPBACK, REAL_SERVER
from conformance.speed.nothing import Nothing
from conformance.speed.nothing import client as nothing
from miniredis import MiniRedis

PORTIONS: Final = 15

CALLS: Final = 1_000
"""Of one portion. A pipeline counts as a hundred."""

FRESH: Final = 200

IMPORTS: Final = 15
"""The first of them compiles."""


@dataclass(frozen=True)
class Call:
    """What is measured, with a number that is another one in each call, and what a connection that does nothing has to
    answer to it."""

    name: str
    call: Callable[[Any, int], object]
    answer: object
    calls: int = CALLS


def pipeline(client: Any, number: int) -> object:
    """A hundred commands at once, in no transaction."""
    pipe = client.pipeline(transaction=False)
    for each in range(number, number + 50):
        pipe.set("p", each)
        pipe.get("p")
    return pipe.execute()


CALLS_OF_COMMANDS: Final = (
    Call("SET", lambda client, number: client.set("k", number), b"OK"),
    Call("GET", lambda client, number: client.get("k"), b"v"),
    Call("HSET", lambda client, number: client.hset("h", "f", number), 0),
    Call("ZADD", lambda client, number: client.zadd("z", {"m": number}), 0),
    Call("INCR", lambda client, number: client.incr("n"), 1),
    Call("100 commands in a pipeline", pipeline, b"OK", CALLS // 100),
)

IMPORT: Final = """
import time
import redis
began = time.process_time()
from miniredis import MiniRedis
print((time.process_time() - began) * 1000)
"""


def contenders(real: str, over_loopback: str) -> dict[str, Any]:
    """A client of each, ready to be used; of two by their addresses."""
    clients: dict[str, Any] = {MINIREDIS: MiniRedis().client(), FLOOR: nothing()}
    clients[REAL_SERVER] = redis.from_url(real)
    clients[OVER_LOOPBACK] = redis.from_url(over_loopback)
    if find_spec(FAKEREDIS) is not None:
        clients[FAKEREDIS] = import_module(FAKEREDIS).FakeRedis()
    for client in clients.values():
        client.ping()
    return clients


def measure(portions: int, *urls: str) -> list[tuple[str, str, float]]:
    """One round of everything."""
    clients = contenders(*urls)
    rows = []
    for each in CALLS_OF_COMMANDS:
        Nothing.answer = each.answer
        fastest = dict.fromkeys(clients, float("inf"))
        for _ in range(portions):
            for name, client in clients.items():
                clock = time.perf_counter if name in (REAL_SERVER, OVER_LOOPBACK) else time.thread_time
                fastest[name] = min(fastest[name], _seconds(each, client, clock))
        rows += [(each.name, name, seconds / each.calls * 1e6) for name, seconds in fastest.items()]
    return rows


def _seconds(each: Call, client: Any, clock: Callable[[], float]) -> float:
    call = each.call
    began = clock()
    for number in range(each.calls):
        call(client, number)
    return clock() - began


def one_round(*urls: str, portions: int) -> list[tuple[str, str, float]]:
    """What a fresh process measures. Raises ``CalledProcessError`` if it fails."""
    line = [sys.executable, "-m", "conformance.speed.in_process", str(portions), *urls]
    done = subprocess.run(line, check=True, capture_output=True, text=True, timeout=600)
    return [(workload, name, value) for workload, name, value in json.loads(done.stdout)]


def importing() -> float:
    """Milliseconds of processor time that importing miniredis takes where redis-py is imported, and nothing new."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        line = [sys.executable, "-c", IMPORT]
        runs = (
            subprocess.run(line, check=True, capture_output=True, text=True, timeout=60, env=environment)
            for _ in range(IMPORTS)
        )
        return min(float(run.stdout) for run in runs)


def fresh_server() -> float:
    """Milliseconds of a new server that nobody starts."""
    began = time.thread_time()
    for _ in range(FRESH):
        MiniRedis()
    return (time.thread_time() - began) / FRESH * 1000


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), *sys.argv[2:])))
