"""Lists: moving elements, popping from the first of several lists, and waiting for elements to come.

A blocking command first does what its sibling that does not block would do. When there is nothing, its client waits,
and the same is tried again for it once one of its keys has become a list (see :mod:`miniredis.engine.blocking`).
"""

from __future__ import annotations

from miniredis.commands.list_ends import ENDS, LEFT, RIGHT, End, move, parse_end, pop_first
from miniredis.commands.popping import parse_multiple_pop, pop_or_block
from miniredis.engine import propagation
from miniredis.engine.arguments import timeout
from miniredis.engine.blocking import Blocked
from miniredis.engine.command import Variant, command, key_count, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, Reply

# Without waiting


@command(
    "LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>",
    arity=5,
    summary=(
        "Returns an element after popping it from one list and pushing it to another. Deletes the list if the last"
        " element was moved."
    ),
    since="6.2.0",
    group="list",
    complexity="O(1)",
    flags="write denyoom",
    categories="list",
    keys=[key_range("RW access delete", 1), key_range("RW insert", 2)],
    names=["wherefrom", "whereto"],
)
def lmove(client: Session, argv: list[bytes]) -> Reply:
    from_end, to_end = parse_end(argv[3]), parse_end(argv[4])
    return move(client, argv[1], argv[2], from_end, to_end)


@command(
    "RPOPLPUSH source destination",
    arity=3,
    summary=(
        "Returns the last element of a list after removing and pushing it to another list. Deletes the list if the"
        " last element was popped."
    ),
    since="1.2.0",
    group="list",
    complexity="O(1)",
    flags="write denyoom",
    categories="list",
    keys=[key_range("RW access delete", 1), key_range("RW insert", 2)],
    deprecated_since="6.2.0",
    replaced_by="`LMOVE` with the `RIGHT` and `LEFT` arguments",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def rpoplpush(client: Session, argv: list[bytes]) -> Reply:
    return move(client, argv[1], argv[2], RIGHT, LEFT)


@command(
    "LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    arity=-4,
    summary=(
        "Returns multiple elements from a list after removing them. Deletes the list if the last element was popped."
    ),
    since="7.0.0",
    group="list",
    complexity="O(N+M) where N is the number of provided keys and M is the number of elements returned.",
    flags="write",
    categories="list",
    keys=[key_count("RW access delete", 1)],
    names=["where"],
)
def lmpop(client: Session, argv: list[bytes]) -> Reply:
    keys, end, count = parse_multiple_pop(argv, 1, ENDS)
    return pop_first(client, keys, end, count) or NULL_ARRAY


# Waiting


@command(
    "BLPOP key [key ...] timeout",
    arity=-3,
    summary=(
        "Removes and returns the first element in a list. Blocks until an element is available otherwise. Deletes the"
        " list if the last element was popped."
    ),
    since="2.0.0",
    group="list",
    complexity="O(N) where N is the number of provided keys.",
    flags="write blocking",
    categories="list",
    keys=[key_range("RW access delete", 1, last=-2)],
    history=[
        ("6.0.0", "`timeout` is interpreted as a double instead of an integer."),
    ],
    details={"timeout": "type=double"},
    variants=[Variant(until="7.2.0", flags="write noscript blocking")],
)
def blpop(client: Session, argv: list[bytes]) -> Reply:
    waiting_time = timeout(argv[-1], client.engine)
    return pop_or_block(client, "list", argv[1:-1], waiting_time, lambda keys: pop_first(client, keys, LEFT))


@command(
    "BRPOP key [key ...] timeout",
    arity=-3,
    summary=(
        "Removes and returns the last element in a list. Blocks until an element is available otherwise. Deletes the"
        " list if the last element was popped."
    ),
    since="2.0.0",
    group="list",
    complexity="O(N) where N is the number of provided keys.",
    flags="write blocking",
    categories="list",
    keys=[key_range("RW access delete", 1, last=-2)],
    history=[
        ("6.0.0", "`timeout` is interpreted as a double instead of an integer."),
    ],
    details={"timeout": "type=double"},
    variants=[Variant(until="7.2.0", flags="write noscript blocking")],
)
def brpop(client: Session, argv: list[bytes]) -> Reply:
    waiting_time = timeout(argv[-1], client.engine)
    return pop_or_block(client, "list", argv[1:-1], waiting_time, lambda keys: pop_first(client, keys, RIGHT))


@command(
    "BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    arity=-5,
    summary=(
        "Pops the first element from one of multiple lists. Blocks until an element is available otherwise. Deletes"
        " the list if the last element was popped."
    ),
    since="7.0.0",
    group="list",
    complexity="O(N+M) where N is the number of provided keys and M is the number of elements returned.",
    flags="write blocking",
    categories="list",
    keys=[key_count("RW access delete", 2)],
    names=["where"],
    details={"timeout": "type=double"},
)
def blmpop(client: Session, argv: list[bytes]) -> Reply:
    keys, end, count = parse_multiple_pop(argv, 2, ENDS)
    waiting_time = timeout(argv[1], client.engine)
    return pop_or_block(client, "list", keys, waiting_time, lambda keys: pop_first(client, keys, end, count))


@command(
    "BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
    arity=6,
    summary=(
        "Pops an element from a list, pushes it to another list and returns it. Blocks until an element is available"
        " otherwise. Deletes the list if the last element was moved."
    ),
    since="6.2.0",
    group="list",
    complexity="O(1)",
    flags="write denyoom blocking",
    categories="list",
    keys=[key_range("RW access delete", 1), key_range("RW insert", 2)],
    names=["wherefrom", "whereto"],
    details={"timeout": "type=double"},
    variants=[Variant(until="7.2.0", flags="write denyoom noscript blocking")],
)
def blmove(client: Session, argv: list[bytes]) -> Reply:
    from_end, to_end = parse_end(argv[3]), parse_end(argv[4])
    return _move_or_block(client, argv, from_end, to_end, [b"LMOVE", *argv[1:5]])


@command(
    "BRPOPLPUSH source destination timeout",
    arity=4,
    summary=(
        "Pops an element from a list, pushes it to another list and returns it. Blocks until an element is available"
        " otherwise. Deletes the list if the last element was popped."
    ),
    since="2.2.0",
    group="list",
    complexity="O(1)",
    flags="write denyoom blocking",
    categories="list",
    keys=[key_range("RW access delete", 1), key_range("RW insert", 2)],
    history=[
        ("6.0.0", "`timeout` is interpreted as a double instead of an integer."),
    ],
    details={"timeout": "type=double"},
    deprecated_since="6.2.0",
    replaced_by="`BLMOVE` with the `RIGHT` and `LEFT` arguments",
    variants=[
        Variant(until="7.2.0", flags="write denyoom noscript blocking"),
        Variant(valkey_since="8.0.0", deprecated=False),
    ],
)
def brpoplpush(client: Session, argv: list[bytes]) -> Reply:
    return _move_or_block(client, argv, RIGHT, LEFT, [b"RPOPLPUSH", *argv[1:3]])


def _move_or_block(client: Session, argv: list[bytes], from_end: End, to_end: End, words: list[bytes]) -> Reply:
    """Move an element, now or when there is one; propagate it as *words*, which do not wait."""
    source, destination = argv[1], argv[2]
    waiting_time = timeout(argv[-1], client.engine)

    def attempt() -> bytes | None:
        propagation.rewrite(client, *words)
        return move(client, source, destination, from_end, to_end)

    element = attempt()
    if element is not None or client.deny_blocking:
        return element  # where nobody may block this is a null, while an expired timeout is a null array
    blocked = Blocked(client, "list", [source], lambda _: attempt())
    return client.engine.block(blocked, waiting_time)
