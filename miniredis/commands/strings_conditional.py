"""Strings that are set or deleted on a condition, several at once or by what they hold: MSETEX, DELIFEQ, DELEX, DIGEST.

(SET's own conditions are with SET.)
"""

from __future__ import annotations

from typing import Final

from miniredis.commands.keys import delete_keys
from miniredis.commands.string_options import (
    COMPARISONS,
    Condition,
    SetOptions,
    delex_keys,
    digest,
    holds,
    parse_set_options,
    with_end,
)
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer_in_range
from miniredis.engine.command import command, key_count, key_range
from miniredis.engine.session import Session
from miniredis.engine.values import is_string, string_bytes
from miniredis.resp.types import Error, Reply
from miniredis.structures.numbers import INT32_MAX

NOT_COMPARABLE: Final = "ERR Key should be of string type if conditions are specified"
NO_CONDITION: Final = "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"


@command(
    "DIGEST key",
    arity=2,
    summary="Returns the XXH3 hash of a string value.",
    since="8.4.0",
    group="string",
    complexity="O(N) where N is the length of the string value.",
    flags="readonly fast",
    categories="string",
    keys=[key_range("RO access", 1)],
)
def digest_(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_string(argv[1])
    return None if value is None else digest(value)


@command(
    "DELIFEQ key value",
    arity=3,
    summary="Delete key if value matches string.",
    since="",
    valkey_since="9.0.0",
    group="string",
    complexity="O(1)",
    flags="write fast",
    categories="string",
    keys=[key_range("RM delete", 1)],
)
def delifeq(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.write_string(argv[1])
    if value is None or not holds(Condition.IFEQ, string_bytes(value), argv[2]):
        return 0
    return _delete(client, argv[1])


@command(
    "DELEX key [IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest]",
    arity=-2,
    summary="Conditionally removes the specified key based on value or digest comparison.",
    since="8.4.0",
    group="string",
    complexity="O(1) for IFEQ/IFNE, O(N) for IFDEQ/IFDNE where N is the length of the string value.",
    flags="write fast",
    categories="string",
    keys=[key_range("RW delete variable_flags", 1)],
    get_keys=delex_keys,
    names=["condition"],
    details={"IFDEQ": "type=integer", "IFDNE": "type=integer"},
)
def delex(client: Session, argv: list[bytes]) -> Reply:
    lazily = client.engine.config.lazyfree_lazy_server_del
    if len(argv) == 2:
        return delete_keys(client, argv, lazily)
    if len(argv) != 4:
        raise errors.wrong_arity("delex")
    value = client.db.read(argv[1])
    if value is None:
        return 0
    if not is_string(value):
        raise Error(NOT_COMPARABLE)
    condition = COMPARISONS.get(argv[2].upper())
    if condition is None:
        raise Error(NO_CONDITION)
    return _delete(client, argv[1], lazily) if holds(condition, string_bytes(value), argv[3]) else 0


def _delete(client: Session, key: bytes, lazily: bool = False) -> int:
    """Delete *key*, which is there; replicas hear of a plain DEL."""
    client.db.delete(key, lazily)
    propagation.rewrite(client, b"DEL", key)
    client.db.changed(key, notifications.GENERIC, b"del")
    return 1


@command(
    "MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |"
    " PXAT unix-time-milliseconds | KEEPTTL]",
    arity=-4,
    summary=(
        "Atomically creates or modifies the string values of one or more keys, and optionally set their expiration."
    ),
    since="8.4.0",
    valkey_since="9.1.0",
    group="string",
    complexity="O(N) where N is the number of keys to set.",
    flags="write denyoom",
    categories="string",
    keys=[key_count("OW update", 1, step=2)],
    tips=["request_policy:multi_shard", "response_policy:all_succeeded"],
    names=["data", "condition", "expiration"],
)
def msetex(client: Session, argv: list[bytes]) -> Reply:
    db, is_valkey = client.db, client.engine.version.is_valkey
    bad_count = "ERR invalid numkeys value or out of range" if is_valkey else "ERR invalid numkeys value"
    options_at = 2 + 2 * integer_in_range(argv[1], 1, INT32_MAX, bad_count)
    if options_at > len(argv):
        raise errors.syntax_error() if is_valkey else Error("ERR wrong number of key-value pairs")
    options = parse_set_options(client, argv, options_at, b"msetex", of_one_key=False)
    if options.condition is not Condition.ALWAYS:
        for key in argv[2:options_at:2]:
            if not options.allow(db.write(key)):
                return 0
    for position in range(2, options_at, 2):
        _set(client, argv[position], argv[position + 1], options)
    if options.expire_at is not None:
        propagation.rewrite(client, *argv[:options_at], *with_end(argv[options_at:], options.expire_at))
    return 1


def _set(client: Session, key: bytes, value: bytes, options: SetOptions) -> None:
    db = client.db
    db.expire_if_due(key)
    db.set(key, value, keep_ttl=options.keep_ttl)
    db.changed(key, notifications.STRING, b"set")
    if options.expire_at is not None:
        db.expire_at(key, options.expire_at)
        db.notify(notifications.GENERIC, b"expire", key)
