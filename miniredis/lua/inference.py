"""What kind of value an expression has, as far as the text of a chunk tells it.

Where both operands of ``+`` are known to be numbers, nothing has to be asked when the script runs. A local variable is
a number if all that is ever assigned to it is; since that may hang on the variable itself (``s = s + i``), all are
taken to be numbers until one is found not to be, and then all are looked at again.
"""

from __future__ import annotations

from miniredis.lua.nodes import Binary, Boolean, Expression, Name, Number, Parenthesized, String, Unary
from miniredis.lua.scope import Kind, Resolution


def infer(resolution: Resolution) -> None:
    """Set ``is_float`` of every variable of the chunk."""
    candidates = [variable for variable in resolution.variables if None not in variable.sources]
    for variable in candidates:
        variable.is_float = True
    while True:
        fallen = [
            variable
            for variable in candidates
            if not all(source is not None and kind_of(source, resolution) is Kind.FLOAT for source in variable.sources)
        ]
        if not fallen:
            resolution.kinds = {}
            return
        for variable in fallen:
            variable.is_float = False
        candidates = [variable for variable in candidates if variable.is_float]


def kind_of(node: Expression, resolution: Resolution) -> Kind:
    """The kind of the value of *node*."""
    match node:
        case Number():
            return Kind.FLOAT
        case String():
            return Kind.BYTES
        case Boolean():
            return Kind.BOOLEAN
        case Name():
            variable = resolution.meaning.get(id(node))
            return Kind.FLOAT if variable is not None and variable.is_float else Kind.ANY
        case Parenthesized():
            return kind_of(node.expression, resolution)
        case Unary():
            return _kind_of_unary(node, resolution)
        case Binary():
            if resolution.kinds is None:
                return _kind_of_binary(node, resolution)
            kind = resolution.kinds.get(id(node))
            if kind is None:
                kind = resolution.kinds[id(node)] = _kind_of_binary(node, resolution)
            return kind
    return Kind.ANY


def _kind_of_unary(node: Unary, resolution: Resolution) -> Kind:
    if node.operator == "not":
        return Kind.BOOLEAN
    if node.operator == "#":
        return Kind.FLOAT  # the length of a string or table, which no metatable can change, or an error
    return Kind.FLOAT if kind_of(node.operand, resolution) is Kind.FLOAT else Kind.ANY


def _kind_of_binary(node: Binary, resolution: Resolution) -> Kind:
    if node.operator in ("==", "~=", "<", "<=", ">", ">="):
        return Kind.BOOLEAN
    left, right = kind_of(node.left, resolution), kind_of(node.right, resolution)
    if node.operator in ("and", "or"):
        return left if left is right else Kind.ANY
    if node.operator == "..":
        plain = (Kind.BYTES, Kind.FLOAT)
        return Kind.BYTES if left in plain and right in plain else Kind.ANY
    return Kind.FLOAT if left is right is Kind.FLOAT else Kind.ANY
