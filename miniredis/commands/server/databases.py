"""Whole databases: DBSIZE, FLUSHALL, FLUSHDB, SWAPDB."""

from __future__ import annotations

from collections.abc import Sequence

from miniredis.engine import errors, propagation
from miniredis.engine.arguments import integer_in_range
from miniredis.engine.command import command
from miniredis.engine.keyspace import Database
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.numbers import INT32_MAX, INT32_MIN


@command(
    "DBSIZE",
    arity=1,
    summary="Returns the number of keys in the database.",
    since="1.0.0",
    group="server",
    complexity="O(1)",
    flags="readonly fast",
    categories="keyspace",
    tips=["request_policy:all_shards", "response_policy:agg_sum"],
)
def dbsize(client: Session, argv: list[bytes]) -> Reply:
    return len(client.db.data)


@command(
    "FLUSHALL [ASYNC | SYNC]",
    arity=-1,
    summary="Removes all keys from all databases.",
    since="1.0.0",
    group="server",
    complexity="O(N) where N is the total number of keys in all databases",
    flags="write",
    categories="dangerous keyspace",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
    history=[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ],
    names=["flush-type"],
    details={"ASYNC": "since=4.0.0", "SYNC": "since=6.2.0"},
)
def flushall(client: Session, argv: list[bytes]) -> Reply:
    _flush(client, client.engine.databases, lazily=_flushes_lazily(client, argv))
    return OK


@command(
    "FLUSHDB [ASYNC | SYNC]",
    arity=-1,
    summary="Removes all keys from the current database.",
    since="1.0.0",
    group="server",
    complexity="O(N) where N is the number of keys in the selected database",
    flags="write",
    categories="dangerous keyspace",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
    history=[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ],
    names=["flush-type"],
    details={"ASYNC": "since=4.0.0", "SYNC": "since=6.2.0"},
)
def flushdb(client: Session, argv: list[bytes]) -> Reply:
    _flush(client, [client.db], lazily=_flushes_lazily(client, argv))
    return OK


def _flushes_lazily(client: Session, argv: list[bytes]) -> bool:
    """Whether Redis would leave the keys to a background thread. Here that is only counted: Python drops a dict."""
    if len(argv) == 1:
        return client.engine.config.lazyfree_lazy_user_flush
    mode = argv[1].upper()
    if len(argv) > 2 or mode not in (b"SYNC", b"ASYNC"):
        raise errors.syntax_error()
    return mode == b"ASYNC"


def _flush(client: Session, databases: Sequence[Database], *, lazily: bool) -> None:
    propagation.force(client)
    engine = client.engine
    if engine.tracks:
        engine.tracking.flushed()
    for database in databases:
        removed = database.flush()
        engine.dirty += removed
        if lazily:
            engine.statistics.lazyfreed_objects += removed


@command(
    "SWAPDB index1 index2",
    arity=3,
    summary="Swaps two databases.",
    since="4.0.0",
    group="server",
    complexity="O(N) where N is the count of clients watching or blocking on keys from both databases.",
    flags="write fast",
    categories="dangerous keyspace",
)
def swapdb(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    first = _index(argv[1], "ERR invalid first DB index")
    second = _index(argv[2], "ERR invalid second DB index")
    count = len(engine.databases)
    if not (0 <= first < count and 0 <= second < count):
        raise Error(errors.DB_INDEX_OUT_OF_RANGE)
    if first != second:
        engine.databases[first].swap(engine.databases[second])
    engine.dirty += 1
    return OK


def _index(text: bytes, message: str) -> int:
    return integer_in_range(text, INT32_MIN, INT32_MAX, message)
