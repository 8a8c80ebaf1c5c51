"""Which variable each name of a chunk means, and what the compiler has to know about it.

A Lua local becomes a Python local, an upvalue a variable of Python's closures. One thing Python does otherwise: a local
declared in the body of a loop is a new variable in each iteration, which closures made there must not share. Such a
variable, if a closure uses it, is *boxed*: it is a list of one element, and the closure is given the list itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import zip_longest
from typing import Final

from miniredis.lua.nodes import (
    Assignment,
    Binary,
    Block,
    Call,
    CallStatement,
    Do,
    Expression,
    Function,
    GenericFor,
    If,
    Index,
    Local,
    LocalFunction,
    MethodCall,
    Name,
    NumericFor,
    Parenthesized,
    Repeat,
    Return,
    Statement,
    String,
    TableConstructor,
    Unary,
    Vararg,
    While,
)
from miniredis.lua.parser import limit_error
from miniredis.lua.tail_calls import called_by_name, find_circles, name_of

MAXIMUM_LOCALS: Final = 200
MAXIMUM_UPVALUES: Final = 60

HIDDEN: Final = 3
"""The local variables that a ``for`` has for itself."""


class Kind(Enum):
    """What is known about a value."""

    FLOAT = "number"
    BYTES = "string"
    BOOLEAN = "boolean"
    ANY = "anything"


@dataclass(eq=False, slots=True)
class Variable:
    """A local variable. *sources* are the expressions assigned to it; None for one whose value nobody can foresee."""

    name: str
    scope: FunctionScope
    in_loop: bool
    python: str
    sources: list[Expression | None] = field(default_factory=list)
    captured: bool = False
    is_float: bool = False

    @property
    def is_boxed(self) -> bool:
        """Whether it lives in a list, for closures of one iteration to share."""
        return self.captured and self.in_loop


@dataclass(eq=False, slots=True)
class FunctionScope:
    """A function and its variables. *upvalues* are those of enclosing functions that it, or a function in it, uses."""

    function: Function
    parent: FunctionScope | None
    parameters: list[Variable] = field(default_factory=list)
    upvalues: dict[Variable, None] = field(default_factory=dict)
    assigned_upvalues: dict[Variable, None] = field(default_factory=dict)
    uses_vararg: bool = False
    argument_table: Variable | None = None
    """The local ``arg`` that a function with ``...`` has if it never says ``...``."""
    loop_depth: int = 0
    active: int = 0
    calls: bool = False
    """Whether it calls functions that may be the script's own."""
    names: set[str] = field(default_factory=set)
    """The names by which it is called, as far as the text shows."""
    tail_calls: set[str] = field(default_factory=set)
    """The names of what it calls last of all."""
    circle: set[str] = field(default_factory=set)
    """Those of ``tail_calls`` by which it may come back to itself (see ``tail_calls``)."""
    zero: float | None = None
    """The first zero among its constants. PUC keeps one of 0 and -0 for both."""


@dataclass(slots=True)
class Resolution:
    """What the names of a chunk mean.

    *meaning*: ``id`` of a Name → its variable; a name that is not there is global. *declared*: ``id`` of a statement →
    the variables it declares. *scopes*: ``id`` of a Function → its scope.
    """

    meaning: dict[int, Variable]
    declared: dict[int, list[Variable]]
    scopes: dict[int, FunctionScope]
    variables: list[Variable]
    functions: int = 0
    """How many have got a name in Python."""
    kinds: dict[int, Kind] | None = None
    """``id`` of an operation → the kind of its value, as soon as that is sure."""
    has_fixed_globals: bool = False
    """Whether no global changes while a chunk is in use."""
    fixed: dict[str, tuple[bytes, bytes | None]] = field(default_factory=dict)
    """Names in Python of globals that do not change, and of fields of theirs: which they are."""
    fixed_functions: dict[str, tuple[bytes, bytes | None]] = field(default_factory=dict)
    """The same of those that are called."""
    has_environments: bool = False
    """Whether each function has globals of its own."""


def resolve(main: Function) -> Resolution:
    """Resolve the names of a chunk. Raises :class:`LuaSyntaxError` where it has more variables than Lua allows."""
    resolver = _Resolver()
    resolver.function(main)
    find_circles(resolver.resolution.scopes.values())
    return resolver.resolution


class _Resolver:
    def __init__(self) -> None:
        self.resolution = Resolution({}, {}, {}, [])
        self._scope: FunctionScope | None = None
        self._visible: dict[str, list[Variable]] = {}
        self._declared_here: list[list[Variable]] = []

    def function(self, node: Function, name: str | None = None) -> None:
        outer = self._scope
        scope = self._scope = FunctionScope(node, outer)
        if name is not None:
            scope.names.add(name)
        self.resolution.scopes[id(node)] = scope
        self._declared_here.append([])
        for name in node.parameters:
            scope.parameters.append(self._declare(name, node.line, [None]))
        if node.is_vararg and outer is not None:
            scope.argument_table = self._declare("arg", node.line, [None])
        for statement in node.body.statements:
            self._statement(statement)
        self._leave()
        self._scope = outer

    # Variables

    def _declare(self, name: str, line: int, sources: list[Expression | None]) -> Variable:
        scope = self._activate(1, line)
        number = len(self.resolution.variables)
        variable = Variable(name, scope, scope.loop_depth > 0, f"l_{name}_{number}", sources)
        self.resolution.variables.append(variable)
        self._visible.setdefault(name, []).append(variable)
        self._declared_here[-1].append(variable)
        return variable

    def _activate(self, variables: int, line: int) -> FunctionScope:
        """Count so many more local variables in the function that is looked at."""
        scope = self._scope
        assert scope is not None
        scope.active += variables
        if scope.active > MAXIMUM_LOCALS:
            raise limit_error(scope.function.line, MAXIMUM_LOCALS, "local variables", line)
        return scope

    def _leave(self) -> None:
        """End the innermost block: what it declared is seen no more."""
        for variable in self._declared_here.pop():
            self._visible[variable.name].pop()
            variable.scope.active -= 1

    def _find(self, node: Name) -> Variable | None:
        visible = self._visible.get(node.name)
        if not visible:
            return None
        variable = visible[-1]
        self.resolution.meaning[id(node)] = variable
        scope = self._scope
        if scope is not variable.scope:
            variable.captured = True
        while scope is not None and scope is not variable.scope:
            scope.upvalues[variable] = None
            if len(scope.upvalues) > MAXIMUM_UPVALUES:
                raise limit_error(scope.function.line, MAXIMUM_UPVALUES, "upvalues", node.line)
            scope = scope.parent
        return variable

    def _assign(self, node: Name, source: Expression | None) -> None:
        variable = self._find(node)
        if variable is None:
            return
        variable.sources.append(source)
        if self._scope is not variable.scope and self._scope is not None:
            self._scope.assigned_upvalues[variable] = None

    # Statements

    def _block(self, block: Block) -> None:
        self._declared_here.append([])
        for statement in block.statements:
            self._statement(statement)
        self._leave()

    def _loop(self, block: Block, declared: list[tuple[str, list[Expression | None]]], node: Statement) -> None:
        hidden = HIDDEN if declared else 0
        scope = self._activate(hidden, node.line)
        scope.loop_depth += 1
        self._declared_here.append([])
        self.resolution.declared[id(node)] = [self._declare(name, node.line, sources) for name, sources in declared]
        self._block(block)
        self._leave()
        scope.loop_depth -= 1
        scope.active -= hidden

    def _statement(self, node: Statement) -> None:
        match node:
            case Local():
                self._named(node.values, node.names)
                sources = list(_one_by_one(node.values, len(node.names)))
                self.resolution.declared[id(node)] = [
                    self._declare(name, node.line, [source]) for name, source in zip(node.names, sources, strict=True)
                ]
            case LocalFunction():
                self.resolution.declared[id(node)] = [self._declare(node.name, node.line, [node.function])]
                self.function(node.function, node.name)
            case Assignment():
                for target in node.targets:
                    if isinstance(target, Index):
                        self._expression(target)
                self._named(node.values, [name_of(target) for target in node.targets])
                for target, source in zip(node.targets, _one_by_one(node.values, len(node.targets)), strict=True):
                    if isinstance(target, Name):
                        self._assign(target, source)
            case CallStatement():
                self._expression(node.call)
            case Do():
                self._block(node.body)
            case While():
                self._expression(node.condition)
                self._loop(node.body, [], node)
            case Repeat():
                self._repeat(node)
            case If():
                for condition, body in node.branches:
                    self._expression(condition)
                    self._block(body)
                if node.otherwise is not None:
                    self._block(node.otherwise)
            case NumericFor():
                for bound in (node.start, node.stop, node.step):
                    if bound is not None:
                        self._expression(bound)
                self._loop(node.body, [(node.name, [])], node)
            case GenericFor():
                for value in node.values:
                    self._expression(value)
                self._loop(node.body, [(name, [None]) for name in node.names], node)
            case Return():
                for value in node.values:
                    self._expression(value)
                if len(node.values) == 1 and (name := called_by_name(node.values[0])) is not None:
                    assert self._scope is not None
                    self._scope.tail_calls.add(name)

    def _repeat(self, node: Repeat) -> None:
        """Its condition sees what its body declares."""
        scope = self._scope
        assert scope is not None
        scope.loop_depth += 1
        self._declared_here.append([])
        for statement in node.body.statements:
            self._statement(statement)
        self._expression(node.condition)
        self._leave()
        scope.loop_depth -= 1

    # Expressions

    def _expression(self, node: Expression) -> None:
        scope = self._scope
        assert scope is not None
        match node:
            case Name():
                self._find(node)
            case Index():
                self._expression(node.value)
                self._expression(node.key)
            case Call() | MethodCall():
                called = node.function if isinstance(node, Call) else node.receiver
                self._expression(called)
                scope.calls = scope.calls or isinstance(node, MethodCall) or not self._is_library(called)
                for argument in node.arguments:
                    self._expression(argument)
            case Function():
                self.function(node)
            case Unary():
                self._expression(node.operand)
            case Binary():
                self._expression(node.left)
                self._expression(node.right)
            case Parenthesized():
                self._expression(node.expression)
            case TableConstructor():
                for each in node.fields:
                    if each.key is not None:
                        self._expression(each.key)
                    name = each.key.value.decode("latin-1") if isinstance(each.key, String) else None
                    self._named([each.value], [name])
            case Vararg():
                scope.uses_vararg = True

    def _named(self, values: Sequence[Expression], names: Sequence[str | None]) -> None:
        """Expressions, those of which that are functions become known by these names."""
        for value, name in zip_longest(values, names[: len(values)]):
            if isinstance(value, Function):
                self.function(value, name)
            else:
                self._expression(value)

    def _is_library(self, node: Expression) -> bool:
        """Whether it is a global, or a field of one: what scripts call by such names are hardly ever their own."""
        if isinstance(node, Index):
            node = node.value
        return isinstance(node, Name) and id(node) not in self.resolution.meaning


def _one_by_one(values: list[Expression], wanted: int) -> Iterator[Expression | None]:
    """The expression behind each of so many variables; None where it is nil, or one of several values of a call."""
    for at in range(wanted):
        is_last = at == len(values) - 1
        if at >= len(values) or (
            is_last and wanted > len(values) and isinstance(values[-1], Call | MethodCall | Vararg)
        ):
            yield None
        else:
            yield values[at]
