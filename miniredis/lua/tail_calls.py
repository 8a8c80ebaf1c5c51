"""Tail calls: ``return f(x)`` gives up the caller's place on the stack before ``f`` runs.

Python has none, and mostly nobody notices: the stack is only a little deeper. It is noticed where functions call each
other, or themselves, in this way for ever. So those that can (by the names by which they are known and call) are told
apart when a chunk is compiled: they *return* the call that they would make, and a loop around them makes it. All other
tail calls are ordinary ones, which cost what a call costs; a circle that the names do not show ends as any recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from miniredis.lua.nodes import Call, Expression, Index, MethodCall, Name, Parenthesized, String
from miniredis.lua.positions import TRAMPOLINES

if TYPE_CHECKING:
    from miniredis.lua.scope import FunctionScope


class TailCall:
    """A call that is still to be made; no value of Lua."""

    __slots__ = ("arguments", "function")

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.function = function
        self.arguments = arguments


def looping(body: Callable[..., Any]) -> FunctionType:
    """The function that makes the tail calls that *body* returns."""

    def function(*arguments: Any) -> Any:
        lost = 0  # callers that are no more; positions reads it
        values = body(*arguments)
        while values.__class__ is TailCall:
            lost += 1
            values = values.function.__dict__.get("body", values.function)(*values.arguments)
        return values

    function.body = body  # type: ignore[attr-defined]
    TRAMPOLINES.add(function.__code__)
    return function  # type: ignore[return-value]


def looping_generator(body: Callable[..., Any]) -> FunctionType:
    """As :func:`looping`, in a chunk whose functions are generators."""

    def function(*arguments: Any) -> Any:
        lost = 0
        values = yield from body(*arguments)
        while values.__class__ is TailCall:
            lost += 1
            called = values.function
            generator = called.__dict__.get("generator")
            if generator is None:
                values = called.__dict__.get("body", called)(*values.arguments)
            else:
                values = yield from generator.__dict__.get("body", generator)(*values.arguments)
        return values

    function.body = body  # type: ignore[attr-defined]
    TRAMPOLINES.add(function.__code__)
    return function  # type: ignore[return-value]


def code_of(function: Any) -> Any:
    """The function that holds the code of a function of Lua's, under what is wrapped around it."""
    function = function.__dict__.get("generator", function)
    return function.__dict__.get("body", function)


def called_by_name(node: Expression) -> str | None:
    """The name by which a call calls; None where it has none."""
    if isinstance(node, MethodCall):
        return node.method
    return name_of(node.function) if isinstance(node, Call) else None


def name_of(node: Expression) -> str | None:
    """The last part of a name: of a variable, or of a field."""
    match node:
        case Name():
            return node.name
        case Parenthesized():
            return name_of(node.expression)
        case Index(key=String()):
            assert isinstance(node.key, String)
            return node.key.value.decode("latin-1")
    return None


def find_circles(scopes: Iterable[FunctionScope]) -> None:
    """Set ``circle`` of each function: the names of its tail calls by which it may come back to itself."""
    known: dict[str, list[FunctionScope]] = {}
    calling = [scope for scope in scopes if scope.tail_calls]
    for scope in calling:
        for name in scope.names:
            known.setdefault(name, []).append(scope)
    for scope in calling:
        scope.circle = {name for name in scope.tail_calls if _leads_to(scope, name, known)}


def _leads_to(wanted: FunctionScope, name: str, known: dict[str, list[FunctionScope]]) -> bool:
    """Whether tail calls that begin with that *name* can reach a function."""
    seen: set[str] = set()
    unseen = {name}
    while unseen:
        seen |= unseen
        reached = [scope for each in unseen for scope in known.get(each, ())]
        if wanted in reached:
            return True
        unseen = {each for scope in reached for each in scope.tail_calls} - seen
    return False
