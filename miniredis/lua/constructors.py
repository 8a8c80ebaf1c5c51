"""What the text of a table constructor tells: how much room PUC's Lua makes for the table, and what is never nil."""

from __future__ import annotations

from miniredis.lua.nodes import Binary, Boolean, Expression, Function, Number, String, TableConstructor


def sizes_of(node: TableConstructor, expanded: bool) -> str:
    """How much room the constructor makes for elements and for other fields."""
    elements = sum(field.key is None for field in node.fields)
    return f"({_rounded(elements - expanded)}, {_rounded(len(node.fields) - elements)})"


def _rounded(size: int) -> int:
    """A size as PUC's instruction for a new table can say it: three binary digits and an exponent, rounded up."""
    exponent = 0
    while size >= 16:
        size = (size + 1) >> 1
        exponent += 1
    return size << exponent


def is_never_nil(node: Expression) -> bool:
    """Whether the value of *node* cannot be nil, as far as its text tells."""
    return isinstance(node, Boolean | Number | String | Function | TableConstructor) or (
        isinstance(node, Binary) and node.operator not in ("and", "or")
    )
