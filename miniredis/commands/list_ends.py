"""The two ends of a list: pushing to one, popping from one, and what the rest of the server hears of it.

Everything that adds or takes elements at an end goes through here, whether LPUSH, LMPOP or a BLMOVE that waited, so
that the events, their order and the conversions of the encoding are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from miniredis.engine import errors, notifications, propagation
from miniredis.engine.engine import Engine
from miniredis.engine.keyspace import Database
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Reply
from miniredis.structures.list import List


@record
class End:
    """An end of a list: how to push to it and pop from it, and the events of both."""

    push: Callable[[List, Sequence[bytes]], int]
    pop: Callable[[List], bytes]
    take: Callable[[List, int], list[bytes]]
    push_event: bytes
    pop_event: bytes


LEFT: Final = End(List.push_left, List.pop_left, List.take_left, b"lpush", b"lpop")
RIGHT: Final = End(List.push_right, List.pop_right, List.take_right, b"rpush", b"rpop")

ENDS: Final = {b"LEFT": LEFT, b"RIGHT": RIGHT}


def parse_end(text: bytes) -> End:
    """The end that ``LEFT`` or ``RIGHT`` names."""
    end = ENDS.get(text.upper())
    if end is None:
        raise errors.syntax_error()
    return end


def new_list(engine: Engine) -> List:
    """An empty list as the emulated version makes it: Redis keeps small ones in a listpack since 7.2."""
    if engine.version.redis >= (7, 2):
        return List(plain_nodes=engine.version.is_valkey)
    return List.quicklist(engine.config.list_max_listpack_size)


def list_of(engine: Engine, elements: Sequence[bytes]) -> List:
    """A list of *elements* as the emulated version makes it when it has them all at once, as SORT's STORE does."""
    if engine.version.redis >= (7, 2):
        size = engine.config.list_max_listpack_size
        return List.from_elements(elements, size, plain_nodes=engine.version.is_valkey)
    made = new_list(engine)
    made.push_right(elements)
    return made


def push(client: Session, key: bytes, elements: Sequence[bytes], end: End, *, only_existing: bool = False) -> int:
    """Push *elements* one after the other to the list at *key*, made if need be. How many elements it has then."""
    db = client.db
    target = db.write(key)
    if target is None:
        if only_existing:
            return 0
        target = new_list(client.engine)
        db.add(key, target)
    elif target.__class__ is not List:
        raise errors.wrong_type()
    target.try_conversion_growing(elements, client.engine.config.list_max_listpack_size)
    length = end.push(target, elements)
    db.changed(key, notifications.LIST, end.push_event, len(elements))
    return length


def pop(db: Database, key: bytes, source: List, end: End) -> bytes:
    """Pop the element at *end* of *source*, the list at *key*."""
    element = end.pop(source)
    elements_removed(db, key, source, end, 1)
    return element


def take(db: Database, key: bytes, source: List, end: End, count: int) -> list[bytes]:
    """Pop up to *count* elements from *end* of *source*, the list at *key*, in the order they are met."""
    elements = end.take(source, count)
    elements_removed(db, key, source, end, len(elements))
    return elements


def elements_removed(db: Database, key: bytes, source: List, end: End, count: int) -> None:
    """Tell that *count* elements were taken from *end* of *source*; the key goes with the last of them."""
    db.changed(key, notifications.LIST, end.pop_event, count)
    shrunk(db, key, source)


def shrunk(db: Database, key: bytes, source: List) -> None:
    """See to what follows when *source*, the list at *key*, has become shorter."""
    if not source.try_conversion_shrinking(db.engine.config.list_max_listpack_size):
        db.delete_if_empty(key, source)


def move(client: Session, source_key: bytes, destination_key: bytes, from_end: End, to_end: End) -> bytes | None:
    """Move an element from one list to another, or within one; None if there is nothing to move."""
    db = client.db
    source = db.write_as(source_key, List)
    if source is None:
        return None
    db.write_as(destination_key, List)
    element = from_end.pop(source)
    push(client, destination_key, [element], to_end)
    elements_removed(db, source_key, source, from_end, 0)  # a move is one change, and the push has counted it
    return element


def pop_first(client: Session, keys: Sequence[bytes], end: End, count: int | None = None) -> list[Reply] | None:
    """Pop from the first of *keys* that has a list: the key and what was popped; None if none has.

    That is one element, or with a *count* a list of up to so many. A key that holds something else is an error if
    it comes before that list.
    """
    db = client.db
    for key in keys:
        source = db.write_as(key, List)
        if source is not None:
            if count is None:
                propagation.rewrite(client, end.pop_event.upper(), key)
                return [key, pop(db, key, source, end)]
            propagation.rewrite(client, end.pop_event.upper(), key, min(count, len(source)))
            return [key, take(db, key, source, end, count)]
    return None
