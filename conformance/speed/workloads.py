"""What is measured by redis-benchmark, part by part."""

from __future__ import annotations

from typing import Final

from conformance.speed.load import Workload

KEY: Final = "key:__rand_int__"
RANDOM: Final = ("-r", "10000")
"""Ten thousand keys, members or fields."""


def _alone(name: str, *arguments: str) -> Workload:
    return Workload(name, arguments, 40_000)


UNPIPELINED: Final = (
    _alone("PING", "-t", "ping_mbulk"),
    _alone("GET", "-t", "get"),
    _alone("SET", "-t", "set"),
    _alone("INCR", "-t", "incr"),
    _alone("LPUSH", "-t", "lpush"),
    _alone("RPOP", "-t", "rpop"),
    _alone("SADD", *RANDOM, "-t", "sadd"),
    _alone("HSET", *RANDOM, "-t", "hset"),
    _alone("ZADD", *RANDOM, "-t", "zadd"),
    _alone("MSET (10 keys)", "-t", "mset"),
)
"""50 clients, each of which waits for its reply."""

PIPELINED: Final = tuple(
    Workload(each.name, each.arguments, 320_000, pipeline=16)
    for each in UNPIPELINED
    if each.name in {"GET", "SET", "INCR"}
)
"""50 clients, each of which sends 16 requests at once."""

LATENCY: Final = tuple(
    Workload(each.name, each.arguments, 20_000, clients=1)
    for each in UNPIPELINED
    if each.name in {"GET", "SET", "ZADD"}
)
"""One client, one request at a time."""

CLIENTS: Final = tuple(
    Workload(f"GET by {clients:,} clients", ("-t", "get"), 40_000, clients=clients)
    for clients in (10, 100, 1_000, 5_000)
)
"""How the cost of a request grows with the number of those who wait for theirs."""

BLOCKED: Final = "%s beside 1,000 blocked clients"

BESIDE_BLOCKED: Final = tuple(each for each in UNPIPELINED if each.name in {"GET", "SET", "LPUSH"})
"""What must not become slower by clients who wait for something else to be pushed."""

_THOUSAND: Final = ("RPUSH", "mylist", *map(str, range(1000)))

RANGES: Final = tuple(
    Workload(
        f"LRANGE_{count}", ("LRANGE", "mylist", "0", str(count - 1)), 8_000, prepare=(("DEL", "mylist"), _THOUSAND)
    )
    for count in (100, 300, 500, 600)
)

_MEGABYTE: Final = "x" * 1_000_000

LARGE: Final = (
    Workload("SET 1 MB", ("-d", "1000000", "-t", "set"), 2_000, clients=5),
    Workload("GET 1 MB", ("GET", "large"), 2_000, clients=5, prepare=(("SET", "large", _MEGABYTE),)),
)
