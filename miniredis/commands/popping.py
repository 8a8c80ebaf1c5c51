"""What lists and sorted sets have in common when they are popped: the arguments of LMPOP and its like, and waiting.

A blocking pop first does what its sibling that does not block would do. When there is nothing, its client waits, and
the same is tried again for it once one of its keys holds something (see :mod:`miniredis.engine.blocking`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from miniredis.engine import errors
from miniredis.engine.arguments import integer_in_range
from miniredis.engine.blocking import Blocked
from miniredis.engine.session import Session
from miniredis.resp.types import Reply
from miniredis.structures.numbers import INT64_MAX

E = TypeVar("E")


def parse_multiple_pop(argv: list[bytes], position: int, ends: Mapping[bytes, E]) -> tuple[list[bytes], E, int]:
    """Read ``numkeys key [key ...] <end> [COUNT count]``, which begins at *position*: keys, end and count.

    *ends* has what the upper-case names of the ends stand for.
    """
    numkeys = integer_in_range(argv[position], 1, INT64_MAX, "ERR numkeys should be greater than 0")
    position += 1
    keys, options = argv[position : position + numkeys], argv[position + numkeys :]
    if not options or options[0].upper() not in ends:
        raise errors.syntax_error()
    end = ends[options[0].upper()]
    if len(options) == 1:
        return keys, end, 1
    if options[1].upper() != b"COUNT" or len(options) == 2:
        raise errors.syntax_error()
    count = integer_in_range(options[2], 1, INT64_MAX, "ERR count should be greater than 0")
    if len(options) > 3:
        raise errors.syntax_error()
    return keys, end, count


def pop_or_block(
    client: Session,
    kind: str,
    keys: list[bytes],
    waiting_time: int,
    attempt: Callable[[Sequence[bytes]], Reply | None],
) -> Reply:
    """What *attempt* makes of *keys*; if that is None, wait for one of them to hold a *kind* of :class:`Blocked`."""
    reply = attempt(keys)
    if reply is not None:
        return reply
    engine = client.engine
    if engine.version.redis >= (7, 2):
        blocked = Blocked(client, kind, keys, lambda _: attempt(keys))
    else:
        blocked = Blocked(client, kind, keys, lambda ready_key: attempt([ready_key]))
    return engine.block(blocked, waiting_time)
