"""The syntax tree of a chunk: what the parser yields and the compiler reads.

Every node knows the line it stands on, as Lua's own compiler would note it for error messages (that of the operator
for an operation, that of the opening parenthesis or string for a call). Names are resolved later, in ``scope``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(slots=True)
class Nil:
    line: int


@dataclass(slots=True)
class Boolean:
    line: int
    value: bool


@dataclass(slots=True)
class Number:
    line: int
    value: float


@dataclass(slots=True)
class String:
    line: int
    value: bytes


@dataclass(slots=True)
class Vararg:
    """``...``: all of them at the end of a list, the first elsewhere."""

    line: int


@dataclass(slots=True)
class Function:
    """``function (parameters) body end``. *name* is for messages and tracebacks: ``f``, ``t.f``, ``t:m``; or empty."""

    line: int
    last_line: int
    parameters: list[str]
    is_vararg: bool
    body: Block
    name: str = ""


@dataclass(slots=True)
class Name:
    """A variable: local, upvalue or global, whatever it resolves to."""

    line: int
    name: str


@dataclass(slots=True)
class Index:
    """``value[key]`` or ``value.key`` (then *key* is a String)."""

    line: int
    value: Expression
    key: Expression


@dataclass(slots=True)
class Call:
    """``function(arguments)``."""

    line: int
    function: Expression
    arguments: list[Expression]


@dataclass(slots=True)
class MethodCall:
    """``receiver:method(arguments)``."""

    line: int
    receiver: Expression
    method: str
    arguments: list[Expression]


@dataclass(slots=True)
class Unary:
    """*operator* is ``-``, ``not`` or ``#``."""

    line: int
    operator: str
    operand: Expression


@dataclass(slots=True)
class Binary:
    """*operator* is one of ``+ - * / % ^ .. == ~= < <= > >= and or``."""

    line: int
    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Parenthesized:
    """``(expression)``: cuts a call or ``...`` down to one value."""

    line: int
    expression: Expression


@dataclass(slots=True)
class TableField:
    """``[key] = value`` or ``key = value``; *key* is None for a positional one."""

    line: int
    key: Expression | None
    value: Expression


@dataclass(slots=True)
class TableConstructor:
    line: int
    fields: list[TableField]


Expression: TypeAlias = (
    Nil
    | Boolean
    | Number
    | String
    | Vararg
    | Function
    | Name
    | Index
    | Call
    | MethodCall
    | Unary
    | Binary
    | Parenthesized
    | TableConstructor
)


@dataclass(slots=True)
class Block:
    statements: list[Statement]


@dataclass(slots=True)
class Local:
    """``local names = values``."""

    line: int
    names: list[str]
    values: list[Expression]


@dataclass(slots=True)
class LocalFunction:
    line: int
    name: str
    function: Function


@dataclass(slots=True)
class Assignment:
    """``targets = values``; ``function t.f() end`` is one as well."""

    line: int
    targets: list[Name | Index]
    values: list[Expression]


@dataclass(slots=True)
class CallStatement:
    line: int
    call: Call | MethodCall


@dataclass(slots=True)
class Do:
    line: int
    body: Block


@dataclass(slots=True)
class While:
    line: int
    condition: Expression
    body: Block


@dataclass(slots=True)
class Repeat:
    """The condition sees the locals of the body. *line* is that of ``until``."""

    line: int
    body: Block
    condition: Expression


@dataclass(slots=True)
class If:
    """Conditions with their blocks, and the block of ``else`` or None."""

    line: int
    branches: list[tuple[Expression, Block]]
    otherwise: Block | None


@dataclass(slots=True)
class NumericFor:
    """*step* is None where none is written."""

    line: int
    name: str
    start: Expression
    stop: Expression
    step: Expression | None
    body: Block


@dataclass(slots=True)
class GenericFor:
    line: int
    names: list[str]
    values: list[Expression]
    body: Block


@dataclass(slots=True)
class Return:
    line: int
    values: list[Expression]


@dataclass(slots=True)
class Break:
    line: int


Statement: TypeAlias = (
    Local
    | LocalFunction
    | Assignment
    | CallStatement
    | Do
    | While
    | Repeat
    | If
    | NumericFor
    | GenericFor
    | Return
    | Break
)
