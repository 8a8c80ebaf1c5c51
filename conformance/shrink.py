"""The shortest list of commands on which two servers still differ: what a human wants to read.

The rule of this file: only take away. First whole stretches of the list, then ever smaller ones, then single words of
the commands that are left (delta debugging). It asks nothing but whether a list still fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Argv = tuple[bytes, ...]


def shrink(commands: Sequence[Argv], fails: Callable[[Sequence[Argv]], Any]) -> list[Argv]:
    """A part of ``commands`` that still ``fails``, and of which nothing can be left out."""
    kept = without_what_can_go(list(commands), fails)
    for at in range(len(kept)):
        name, *arguments = kept[at]

        def fails_with(words: Sequence[bytes], at: int = at, name: bytes = name) -> Any:
            return fails([*kept[:at], (name, *words), *kept[at + 1 :]])

        kept[at] = (name, *without_what_can_go(arguments, fails_with))
    return kept


def without_what_can_go(items: list[Item], fails: Callable[[list[Item]], Any]) -> list[Item]:
    """A part of ``items`` that still ``fails``, and of which no single one can be left out."""
    size = max(len(items) // 2, 1)
    while True:
        before = len(items)
        at = 0
        while at < len(items):
            rest = items[:at] + items[at + size :]
            if fails(rest):
                items = rest
            else:
                at += size
        if size > 1:
            size = size // 2
        elif len(items) == before:
            return items
