"""OBJECT: how a value is kept."""

from __future__ import annotations

from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.engine.access import AccessFrequencies
from miniredis.engine.command import command, container, key_range
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.engine.values import EMBEDDED_STRING_LIMIT, Value, encoding, is_string
from miniredis.resp.types import Error, Reply
from miniredis.structures.numbers import INT32_MAX

SHARED_INTEGERS: Final = 10_000
"""Redis keeps the integers from 0 up to here once for all keys; their reference count is that of what never dies."""
SHARED_REFCOUNT: Final = INT32_MAX


container(
    "OBJECT",
    summary="A container for object introspection commands.",
    since="2.2.3",
    group="generic",
    complexity="Depends on subcommand.",
)


@command(
    "OBJECT|ENCODING key",
    arity=3,
    summary="Returns the internal encoding of an object.",
    since="2.2.3",
    group="generic",
    complexity="O(1)",
    flags="readonly",
    categories="keyspace",
    keys=[key_range("RO", 2)],
    tips=["nondeterministic_output"],
)
def object_encoding(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.inspect(argv[2])
    if value is None:
        return None
    return encoding(value, _embedded_limit(client, argv[2])).encode()


def _embedded_limit(client: Session, key: bytes) -> int:
    """The longest string in bytes that is kept as ``embstr``.

    Valkey has 128 bytes for an object with its key, Redis since 8.2 has 64.
    """
    version = client.engine.version
    if not version.is_valkey and version.redis < (8, 2):
        return EMBEDDED_STRING_LIMIT
    most = 113 if version.is_valkey else 41
    return most - len(key) - (2 if len(key) >= 32 else 0) - (8 if key in client.db.expires else 0)


@command(
    "OBJECT|REFCOUNT key",
    arity=3,
    summary="Returns the reference count of a value of a key.",
    since="2.2.3",
    group="generic",
    complexity="O(1)",
    flags="readonly",
    categories="keyspace",
    keys=[key_range("RO", 2)],
    tips=["nondeterministic_output"],
)
def object_refcount(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.inspect(argv[2])
    if value is None:
        return None
    return SHARED_REFCOUNT if is_shared(client.engine, value) else 1


def is_shared(engine: Engine, value: Value) -> bool:
    """Whether *value* is one of the integers that Redis has once for all keys.

    Redis 8.2 has none. Neither has an older one where it has to know of each key when it was used, or how often: an
    object holds that, too.
    """
    if engine.version.is_valkey or engine.version.redis >= (8, 2) or not is_string(value) or encoding(value) != "int":
        return False
    if engine.config.maxmemory and engine.config.maxmemory_policy.endswith(("-lru", "-lfu")):
        return False
    return 0 <= int(value) < SHARED_INTEGERS


@command(
    "OBJECT|IDLETIME key",
    arity=3,
    summary="Returns the time since the last access to an object.",
    since="2.2.3",
    group="generic",
    complexity="O(1)",
    flags="readonly",
    categories="keyspace",
    keys=[key_range("RO", 2)],
    tips=["nondeterministic_output"],
)
def object_idletime(client: Session, argv: list[bytes]) -> Reply:
    db = client.db
    if db.inspect(argv[2]) is None:
        return None
    if client.engine.config.maxmemory_policy.endswith("lfu"):
        raise Error(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between"
            " policies at runtime LRU and LFU data will take some time to adjust."
        )
    return max(client.engine.second - db.access[argv[2]], 0)


@command(
    "OBJECT|FREQ key",
    arity=3,
    summary="Returns the logarithmic access frequency counter of an object.",
    since="4.0.0",
    group="generic",
    complexity="O(1)",
    flags="readonly",
    categories="keyspace",
    keys=[key_range("RO", 2)],
    tips=["nondeterministic_output"],
)
def object_freq(client: Session, argv: list[bytes]) -> Reply:
    db = client.db
    if db.inspect(argv[2]) is None:
        return None
    if not isinstance(db.access, AccessFrequencies):
        raise Error(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching"
            " between policies at runtime LRU and LFU data will take some time to adjust."
        )
    return db.access.frequency(argv[2])


@command(
    "OBJECT|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="6.2.0",
    group="generic",
    complexity="O(1)",
    flags="loading stale",
    categories="keyspace",
)
def object_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "OBJECT",
        (
            "ENCODING <key>",
            "    Return the kind of internal representation used in order to store the value",
            "    associated with a <key>.",
            "FREQ <key>",
            "    Return the access frequency index of the <key>. The returned integer is",
            "    proportional to the logarithm of the recent access frequency of the key.",
            "IDLETIME <key>",
            "    Return the idle time of the <key>, that is the approximated number of",
            "    seconds elapsed since the last access to the key.",
            "REFCOUNT <key>",
            "    Return the number of references of the value associated with the specified",
            "    <key>.",
        ),
    )
