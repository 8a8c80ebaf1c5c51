"""Strings that are set or deleted on a condition, several at once or by what they hold: MSETEX, DELIFEQ.

(SET's own conditions are with SET.)
"""

from __future__ import annotations

from miniredis.commands.string_options import Condition, SetOptions, parse_set_options, with_end
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer_in_range
from miniredis.engine.command import command, key_count, key_range
from miniredis.engine.session import Session
from miniredis.engine.values import string_bytes
from miniredis.resp.types import Reply
from miniredis.structures.numbers import INT32_MAX


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
    key, db = argv[1], client.db
    value = db.write_string(key)
    if value is None or string_bytes(value) != argv[2]:
        return 0
    db.delete(key)
    propagation.rewrite(client, b"DEL", key)
    db.changed(key, notifications.GENERIC, b"del")
    return 1


@command(
    "MSETEX numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |"
    " PXAT unix-time-milliseconds | KEEPTTL]",
    arity=-4,
    summary=(
        "Atomically creates or modifies the string values of one or more keys, and optionally set their expiration."
    ),
    since="",
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
    db = client.db
    count = integer_in_range(argv[1], 1, INT32_MAX, "ERR invalid numkeys value or out of range")
    options_at = 2 + 2 * count
    if options_at > len(argv):
        raise errors.syntax_error()
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
