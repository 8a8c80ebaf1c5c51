"""What the tests of the sorted set commands start from."""

from __future__ import annotations

from miniredis.resp.types import Error
from tests.commands.client import Client

NOT_SCORES = Error("ERR min or max is not a float")
NOT_MEMBERS = Error("ERR min or max not valid string range item")
NUMKEYS = Error("ERR numkeys should be greater than 0")

LONG = "m" * 65
"""A member that no listpack takes."""


def filled(version: str = "redis-7.2", protocol: int = 2) -> Client:
    """Sorted sets ``z``, ``y`` and, all its scores equal, ``w``; a set ``m``, a string ``s``, and no ``x``."""
    client = Client(version, protocol)
    client("ZADD z 1 a 2 b 3 c 4 d")
    client("ZADD y 10 b 20 c 30 e")
    client("ZADD w 0 a 0 b 0 c 0 d")
    client("SADD m a e q")
    client("SET s text")
    return client


def numbered(count: int) -> str:
    """So many scores and members, as arguments."""
    return " ".join(f"{number} m{number}" for number in range(count))
