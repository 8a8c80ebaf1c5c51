"""Coroutines: generators of Python that are resumed by hand.

A function of a chunk that speaks of coroutines is a generator function with a plain one around it: code that may yield
drives the generator (``yield from``), everybody else calls the plain one, through which nothing can yield. That is
Lua 5.1's own boundary: what a library function or a metamethod calls cannot yield across it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import FunctionType
from typing import TYPE_CHECKING

from miniredis.lua.arguments import argument_error, check_string, library_error
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import MAXIMUM_C_CALLS, run_error
from miniredis.lua.positions import BOUNDARY, LIBRARY_CODE, library_function
from miniredis.lua.values import MISSING, LuaError, Table, Value

if TYPE_CHECKING:
    from miniredis.lua.runtime import State

Running = Generator[tuple[Value, ...], tuple[Value, ...], Value]


class Coroutine:
    """A thread of Lua's. *status* is ``suspended``, ``running``, ``normal`` or ``dead``."""

    __slots__ = ("function", "running", "status")

    def __init__(self, function: Value) -> None:
        self.function = function
        self.running: Running | None = None
        self.status = b"suspended"


def coroutine_function(generator: Callable[..., Running]) -> FunctionType:
    """The plain function around a generator function."""

    def function(*arguments: Value) -> Value:
        running = generator(*arguments)
        try:
            next(running)
        except StopIteration as end:
            return end.value
        # Raised where it wanted to yield, so that the place can be told.
        return running.throw(LuaError(b"attempt to yield across metamethod/C-call boundary"))

    function.generator = generator  # type: ignore[attr-defined]
    return function  # type: ignore[return-value]


def resume(function: Value, *arguments: Value) -> Running:
    """Call *function* from code that may yield."""
    generator = function.__dict__.get("generator")
    if generator is None:
        return function(*arguments)
    return (yield from generator(*arguments))


def _as_tuple(values: Value) -> tuple[Value, ...]:
    return values if values.__class__ is tuple else (values,)


class CoroutineLibrary:
    """``coroutine`` of one state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.current: Coroutine | None = None

    def table(self) -> Table:
        """The library's table."""
        library = self

        @library_function
        def create(function: Value = MISSING, *_: Value) -> Value:
            return Coroutine(_check_function(function))

        @library_function
        def resume_(coroutine: Value = MISSING, *arguments: Value) -> Value:
            if not isinstance(coroutine, Coroutine):
                raise argument_error(1, "coroutine expected")
            try:
                return (True, *library.resume(coroutine, arguments))
            except LuaError as error:
                return (False, error.value)

        @library_function
        def status(coroutine: Value = MISSING, *_: Value) -> Value:
            if not isinstance(coroutine, Coroutine):
                raise argument_error(1, "coroutine expected")
            return coroutine.status

        @library_function
        def running(*_: Value) -> Value:
            return library.current

        @library_function
        def yield_(*values: Value) -> Value:
            raise run_error("attempt to yield across metamethod/C-call boundary")

        def yielding(*values: Value) -> Running:
            return (yield values)

        yield_.generator = yielding  # type: ignore[attr-defined]

        @library_function
        def wrap(function: Value = MISSING, *_: Value) -> Value:
            coroutine = Coroutine(_check_function(function))

            @library_function
            def wrapped(*arguments: Value) -> Value:
                try:
                    return tuple(library.resume(coroutine, arguments))
                except LuaError as error:
                    if error.value.__class__ in (bytes, float):
                        raise library_error(check_string(1, error.value)) from None
                    raise

            return wrapped

        functions = {
            "create": create,
            "resume": resume_,
            "running": running,
            "status": status,
            "wrap": wrap,
            "yield": yield_,
        }
        return library_table(functions, "create resume running status wrap yield")

    def resume(self, coroutine: Coroutine, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
        """Run it until it yields, ends or fails. Raises :class:`LuaError`."""
        if coroutine.status != b"suspended":
            raise LuaError(b"cannot resume %b coroutine" % coroutine.status)
        outer, self.current = self.current, coroutine
        if outer is not None:
            outer.status = b"normal"
        coroutine.status = b"running"
        state = self._state
        calls = state.c_calls
        try:
            if calls >= MAXIMUM_C_CALLS:
                raise LuaError(b"C stack overflow")
            state.c_calls = calls + 1
            if coroutine.running is None:
                coroutine.running = resume(coroutine.function, *arguments)
                yielded = coroutine.running.send(None)  # type: ignore[arg-type]
            else:
                yielded = coroutine.running.send(arguments)
        except StopIteration as end:
            coroutine.status = b"dead"
            return _as_tuple(end.value)
        except BaseException as failure:
            coroutine.status = b"dead"
            raise state.recover(failure) from None
        else:
            coroutine.status = b"suspended"
            return _as_tuple(yielded)
        finally:
            state.c_calls = calls
            self.current = outer
            if outer is not None:
                outer.status = b"running"


BOUNDARY.add(CoroutineLibrary.resume.__code__)


def _check_function(value: Value) -> Value:
    if value.__class__ is not FunctionType or value.__code__ in LIBRARY_CODE:
        raise argument_error(1, "Lua function expected")
    return value
