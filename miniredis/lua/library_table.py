"""The table of a library: PUC's libraries register their functions in a fixed order, which ``pairs`` shows."""

from __future__ import annotations

from miniredis.lua.positions import library_function
from miniredis.lua.values import Table, Value


def library_table(functions: dict[str, Value], order: str, *further: tuple[str, Value]) -> Table:
    """A table of *functions* in the *order* in which they are named there, and what else is in it after them."""
    names = order.split()
    content = {name.encode(): library_function(functions[name]) for name in names}
    return Table({**content, **{name.encode(): value for name, value in further}}, 0, (0, len(names)))
