"""MEMORY: what keys would take in Redis, and what this process takes of the machine."""

from __future__ import annotations

from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.commands.server.info import share
from miniredis.commands.server.process import resident_memory
from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.command import Variant, command, container, key_range
from miniredis.engine.engine import Engine
from miniredis.engine.memory import STARTUP
from miniredis.engine.memory_usage import database_overhead
from miniredis.engine.memory_usage import memory_usage as usage_of
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Reply, Verbatim

DEFAULT_SAMPLES: Final = 5

container(
    "MEMORY",
    summary="A container for memory diagnostics commands.",
    since="4.0.0",
    group="server",
    complexity="Depends on subcommand.",
)


@command(
    "MEMORY|USAGE key [SAMPLES count]",
    arity=-3,
    summary="Estimates the memory usage of a key.",
    since="4.0.0",
    group="server",
    complexity="O(N) where N is the number of samples.",
    flags="readonly",
    keys=[key_range("RO", 2)],
)
def memory_usage(client: Session, argv: list[bytes]) -> Reply:
    samples = DEFAULT_SAMPLES
    position = 3
    while position < len(argv):
        if argv[position].lower() != b"samples" or position + 1 == len(argv):
            raise errors.syntax_error()
        samples = integer(argv[position + 1])
        if samples < 0:
            raise errors.syntax_error()
        position += 2
    value = client.db.data.get(argv[2])  # also one that has expired, if nobody has met it since
    return None if value is None else usage_of(argv[2], value, samples)


@command(
    "MEMORY|STATS",
    arity=2,
    summary="Returns details about memory usage.",
    since="4.0.0",
    group="server",
    complexity="O(1)",
    tips=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
)
def memory_stats(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    used, startup, resident = engine.memory.used(), STARTUP, resident_memory()
    peak = engine.memory.peak
    tables = _tables(engine)
    overhead = startup + sum(sum(figures.values()) for figures in tables.values())
    is_valkey = engine.version.is_valkey
    reply: dict[bytes, Reply] = {
        b"peak.allocated": peak,
        b"total.allocated": used,
        b"startup.allocated": startup,
        b"replication.backlog": 0,
    }
    if is_valkey:
        reply[b"replicas.repl.buffer"] = 0
    reply |= {b"clients.slaves": 0, b"clients.normal": 0, b"cluster.links": 0}
    if is_valkey:
        reply |= {b"cluster.slot_import": 0, b"cluster.slot_export": 0}
    reply |= {b"aof.buffer": 0, b"lua.caches": 0, b"functions.caches": 0}
    reply |= tables
    if is_valkey:
        reply |= {b"overhead.db.hashtable.lut": 0, b"overhead.db.hashtable.rehashing": 0}
    reply[b"overhead.total"] = overhead
    if is_valkey:
        reply[b"db.dict.rehashing.count"] = 0
    keys = sum(len(database.data) for database in engine.databases)
    net = max(used - startup, 0)
    dataset = max(used - overhead, 0)
    reply |= {
        b"keys.count": keys,
        b"keys.bytes-per-key": net // keys if keys else 0,
        b"dataset.bytes": dataset,
        b"dataset.percentage": share(dataset, net),
        b"peak.percentage": share(used, peak),
        b"allocator.allocated": used,
        b"allocator.active": used,
        b"allocator.resident": resident,
    }
    if is_valkey:
        reply[b"allocator.muzzy"] = 0
    return reply | _fragmentation()


def _fragmentation() -> dict[bytes, float | int]:
    """There is none to be seen from here."""
    figures: dict[bytes, float | int] = {}
    for name in (b"allocator-fragmentation", b"allocator-rss", b"rss-overhead"):
        figures |= {name + b".ratio": 1.0, name + b".bytes": 0}
    return figures | {b"fragmentation": 1.0, b"fragmentation.bytes": 0}


def _tables(engine: Engine) -> dict[bytes, dict[bytes, int]]:
    """The bytes of the tables of each database that is not empty."""
    tables = {}
    for database in engine.databases:
        if database.data:
            main, expires = database_overhead(database)
            figures = {b"overhead.hashtable.main": main, b"overhead.hashtable.expires": expires}
            if engine.version.redis < (7, 2):
                figures[b"overhead.hashtable.slot-to-keys"] = 0
            tables[b"db.%d" % database.number] = figures
    return tables


@command(
    "MEMORY|DOCTOR",
    arity=2,
    summary="Outputs a memory problems report.",
    since="4.0.0",
    group="server",
    complexity="O(1)",
    tips=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
)
def memory_doctor(client: Session, argv: list[bytes]) -> Reply:
    if sum(len(database.data) for database in client.engine.databases) < 1000:
        return Verbatim(
            b"Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these"
            b" conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will"
            b" be back to our programming as soon as I finished rebooting.\n"
        )
    return Verbatim(
        b"Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n"
    )


@command(
    "MEMORY|MALLOC-STATS",
    arity=2,
    summary="Returns the allocator statistics.",
    since="4.0.0",
    group="server",
    complexity="Depends on how much memory is allocated, could be slow",
    tips=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    variants=[Variant(valkey_since="8.0.0", flags="loading")],
)
def memory_malloc_stats(client: Session, argv: list[bytes]) -> Reply:
    text = b"Stats not supported for the current allocator"
    return text if client.engine.version.is_valkey else Verbatim(text)


@command(
    "MEMORY|PURGE",
    arity=2,
    summary="Asks the allocator to release memory.",
    since="4.0.0",
    group="server",
    complexity="Depends on how much memory is allocated, could be slow",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
    variants=[Variant(valkey_since="8.0.0", flags="loading")],
)
def memory_purge(client: Session, argv: list[bytes]) -> Reply:
    return OK


@command(
    "MEMORY|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="4.0.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
)
def memory_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "MEMORY",
        (
            "DOCTOR",
            "    Return memory problems reports.",
            "MALLOC-STATS",
            "    Return internal statistics report from the memory allocator.",
            "PURGE",
            "    Attempt to purge dirty pages for reclamation by the allocator.",
            "STATS",
            "    Return information about the memory usage of the server.",
            "USAGE <key> [SAMPLES <count>]",
            "    Return memory in bytes used by <key> and its value. Nested values are",
            "    sampled up to <count> times (default: 5, 0 means sample all).",
        ),
    )
