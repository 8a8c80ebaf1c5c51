"""Which server an engine claims to be, and so how it behaves where versions differ.

Every difference between versions is visible as a test of one of the names below (``version.redis >= (7, 2)``), never
as a copy of a command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from miniredis.structures.numbers import format_double_17g, format_double_shortest


class ServerVersion:
    """A server release that an engine can emulate.

    - *name*: what ``--emulate`` takes, such as ``redis-7.2``.
    - *family*: ``redis`` or ``valkey``.
    - *redis*: the Redis release it is compatible with; Valkey reports it as ``redis_version``.
    - *number*: its own release number (the same as *redis* for Redis itself).

    ``is_valkey`` says whether it is a Valkey, of whatever version; ``format_double`` how doubles are printed: with 17
    significant digits up to Redis 7.0, with the shortest since 7.2.
    """

    __slots__ = ("family", "format_double", "is_valkey", "name", "number", "redis")

    def __init__(self, name: str, family: str, redis: tuple[int, int, int], number: tuple[int, int, int]) -> None:
        self.name = name
        self.family = family
        self.redis = redis
        self.number = number
        self.is_valkey = family == "valkey"  # asked by commands, which properties would slow down
        self.format_double: Callable[[float], bytes] = format_double_shortest if redis >= (7, 2) else format_double_17g

    @property
    def rdb_version(self) -> int:
        """The version of the format in which it writes RDB files and DUMP payloads."""
        if self.is_valkey:
            return 80
        if self.redis >= (7, 4):
            return 12
        return 11 if self.redis >= (7, 2) else 10

    @property
    def first_client_id(self) -> int:
        """The id of the first client. Redis has some before it for scripts, for functions and, since 8.0, modules."""
        return 4 if self.redis >= (8, 0) else 3

    def has(self, since: str, valkey_since: str = "") -> bool:
        """Whether this version knows what Redis introduced in *since*, or Valkey in *valkey_since*; empty is never."""
        if valkey_since and self.is_valkey:
            return self.number >= parse_version(valkey_since)
        return bool(since) and self.redis >= parse_version(since)


def parse_version(text: str) -> tuple[int, ...]:
    """``"7.2.0"`` as ``(7, 2, 0)``."""
    return tuple(int(part) for part in text.split("."))


VERSIONS: Final[dict[str, ServerVersion]] = {
    version.name: version
    for version in (
        ServerVersion("redis-7.0", "redis", (7, 0, 15), (7, 0, 15)),
        ServerVersion("redis-7.2", "redis", (7, 2, 4), (7, 2, 4)),
        ServerVersion("redis-8.2", "redis", (8, 2, 3), (8, 2, 3)),
        ServerVersion("redis-8.4", "redis", (8, 4, 0), (8, 4, 0)),
        ServerVersion("valkey-9.1", "valkey", (7, 2, 4), (9, 1, 2)),
    )
}

DEFAULT_VERSION: Final = VERSIONS["redis-7.2"]


def version_named(name: str) -> ServerVersion:
    """The version that ``--emulate`` calls *name*. Raises ``ValueError`` with the names that exist."""
    try:
        return VERSIONS[name]
    except KeyError:
        raise ValueError(f"unknown server version '{name}': choose one of {', '.join(VERSIONS)}") from None
