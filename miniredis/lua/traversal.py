"""Going through a table: ``next``, ``pairs`` and ``ipairs``.

A traversal works on the keys as they were when it began: fields may be changed and removed meanwhile, as Lua allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, Final

from miniredis.lua.values import FALSE_KEY, TRUE_KEY, Table, Value

_BOOLEANS: Final[dict[Any, bool]] = {TRUE_KEY: True, FALSE_KEY: False}


class Order:
    """The keys of a table when a traversal began, and where each of them stands."""

    __slots__ = ("keys", "places")

    def __init__(self, keys: list[Any]) -> None:
        self.keys = keys
        self.places = {key: place for place, key in enumerate(keys)}


def pairs_of(table: Table) -> Iterator[tuple[Value, Value]]:
    """The keys and values of a table, in the order of ``next``."""
    content = table.hash
    for key in _keys(table):
        value = content.get(key)
        if value is not None:
            yield _BOOLEANS.get(key, key), value


def indexed(table: Table) -> Iterator[tuple[float, Value]]:
    """The elements 1, 2, … of a table up to the first that is nil."""
    content = table.hash
    for index in map(float, count(1)):
        value = content.get(index)
        if value is None:
            return
        yield index, value


def next_pair(table: Table, key: Value) -> tuple[Value, Value] | None:
    """What comes after *key* (None: the first); None at the end. Raises ``KeyError`` for a key that is not there."""
    content = table.hash
    if key is None:
        table.traversal = None
        if next(iter(content), None) == 1.0 and table.layout is None and not table.sizes[1]:
            return 1.0, content[1.0]
        return next(pairs_of(table), None)
    if key.__class__ is bool:
        key = TRUE_KEY if key else FALSE_KEY
    order = table.traversal
    if order is None or key not in order.places:
        order = table.traversal = Order(list(_keys(table)))
    keys = order.keys
    for place in range(order.places[key] + 1, len(keys)):
        found = keys[place]
        value = content.get(found)
        if value is not None:
            return _BOOLEANS.get(found, found), value
    return None


def is_sequence(table: Table) -> bool:
    """Whether the keys are 1, 2, … and have come in this order: PUC's Lua then has all of them in its array part."""
    keys = list(table.hash)
    inside, outside = table.sizes
    return (not outside or len(keys) <= inside) and keys == list(map(float, range(1, len(keys) + 1)))


def _keys(table: Table) -> Iterable[Any]:
    """The keys in the order of ``next``, and perhaps some that are no longer there."""
    if table.layout is None and is_sequence(table):
        return list(table.hash)
    return table.laid_out().keys()
