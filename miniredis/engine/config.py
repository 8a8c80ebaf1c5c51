"""The configuration: redis-server's directives, their types, defaults and present values.

One table states each directive; ``CONFIG GET``/``SET``, the command line and the config file all derive from it. The
engine reads a value as an attribute, ``config.hash_max_listpack_entries``, with the directive's dashes as underscores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive of redis.conf: its *name*, its *default* (whose type is the directive's type)."""

    name: str
    default: Any
    aliases: tuple[str, ...] = ()


DIRECTIVES: Final[tuple[Directive, ...]] = (
    Directive("requirepass", ""),
    Directive("databases", 16),
    Directive("maxclients", 10000),
    Directive("timeout", 0),
    Directive("proto-max-bulk-len", 512 * 1024 * 1024),
    Directive("client-query-buffer-limit", 1024 * 1024 * 1024),
    Directive("slowlog-log-slower-than", 10000),
    Directive("slowlog-max-len", 128),
    Directive("hash-max-listpack-entries", 128, ("hash-max-ziplist-entries",)),
    Directive("hash-max-listpack-value", 64, ("hash-max-ziplist-value",)),
    Directive("list-max-listpack-size", -2, ("list-max-ziplist-size",)),
    Directive("set-max-intset-entries", 512),
    Directive("set-max-listpack-entries", 128),
    Directive("set-max-listpack-value", 64),
    Directive("zset-max-listpack-entries", 128, ("zset-max-ziplist-entries",)),
    Directive("zset-max-listpack-value", 64, ("zset-max-ziplist-value",)),
)


class Config:
    """The present values of all directives, as attributes."""

    requirepass: str
    databases: int
    maxclients: int
    timeout: int
    proto_max_bulk_len: int
    client_query_buffer_limit: int
    slowlog_log_slower_than: int
    slowlog_max_len: int
    hash_max_listpack_entries: int
    hash_max_listpack_value: int
    list_max_listpack_size: int
    set_max_intset_entries: int
    set_max_listpack_entries: int
    set_max_listpack_value: int
    zset_max_listpack_entries: int
    zset_max_listpack_value: int

    def __init__(self) -> None:
        for directive in DIRECTIVES:
            setattr(self, directive.name.replace("-", "_"), directive.default)
