"""A state: the globals, and everything a chunk needs to be loaded and run.

What runs here can reach nothing but the values it is given: no value is an object of Python with attributes that Lua
could name, and the only way out of a script is a function that somebody put into a table.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import FunctionType, TracebackType
from typing import Any, Final

from miniredis.lua.compiler import MAIN, CompiledChunk, compile_chunk
from miniredis.lua.coroutines import CoroutineLibrary, coroutine_function, resume
from miniredis.lua.operations import MAXIMUM_C_CALLS, Operations, one, ticks
from miniredis.lua.parser import LuaSyntaxError
from miniredis.lua.positions import CHUNK, MAXIMUM_ID_IN_SYNTAX_ERRORS, chunk_id, levels, position
from miniredis.lua.tail_calls import code_of
from miniredis.lua.values import LuaError, ReadOnlyTable, Table, Value

logger = logging.getLogger("miniredis")

MAXIMUM_CALLS: Final = 16_380
"""How deep functions of Lua may call each other: where PUC's Lua says ``stack overflow``."""


ROOM: Final = 1000
"""How many calls of Python's have room where the stack of a script ends (see ``State.with_room``)."""


def _nothing() -> None:
    return None


class State:
    """One world of Lua: *globals* and the libraries in it.

    ``interrupt`` is called now and then while a script runs, and stops it by raising whatever it likes; nothing that a
    script can do catches what is not a :class:`LuaError`, a ``RecursionError`` or a ``MemoryError``.
    ``c_calls`` counts the calls from C within each other that have not returned: of a run as a whole, of library
    functions and metamethods.
    ``can_recurse`` says that a chunk has been loaded whose functions might call each other without end.
    ``handled`` is where the error came from that a handler of ``xpcall`` is looking at.
    ``has_fixed_globals`` says that those which are read-only when a chunk is loaded are so for good.
    ``has_environments`` is set, before any chunk is loaded, where scripts have ``setfenv``.
    """

    def __init__(self) -> None:
        self.globals = Table({})
        self.string_metatable: Table | None = None
        self.interrupt: Callable[[], None] = _nothing
        self.has_environments = False
        self.has_fixed_globals = False
        self.c_calls = 0
        self.can_recurse = False
        self._limit = 0
        self.handled: TracebackType | None = None
        self.operations = Operations(self)
        self.coroutines = CoroutineLibrary(self)
        self.next: Value = None
        self.next_index: Value = None
        self._names: dict[str, Any] = {
            **self.operations.names(),
            "resume": resume,
            "coroutine_function": coroutine_function,
        }

    def load(self, source: bytes, name: bytes, environment: Table | None = None) -> Value:
        """The function of a chunk. Raises :class:`LuaError` with Lua's message if it is none."""
        return self.instantiate(self.compile(source, name), environment)

    def compile(self, source: bytes, name: bytes) -> CompiledChunk:
        """Compile a chunk, to be instantiated any number of times, in any such state. Raises :class:`LuaError`."""
        try:
            chunk = compile_chunk(
                source,
                name,
                has_environments=self.has_environments,
                has_fixed_globals=self.has_fixed_globals,
                levels=MAXIMUM_C_CALLS - self.c_calls,
            )
        except LuaSyntaxError as error:
            title = chunk_id(name, MAXIMUM_ID_IN_SYNTAX_ERRORS)
            raise LuaError(b"%b:%d: %b" % (title, error.line, error.message)) from None
        if chunk.defines_functions or self.c_calls:
            self.can_recurse = True
        return chunk

    def instantiate(self, chunk: CompiledChunk, environment: Table | None = None) -> Value:
        """The function of a compiled chunk, with the globals of this state or an *environment* of its own."""
        namespace = dict(self._names)
        namespace[CHUNK] = chunk
        namespace["ticks"] = ticks()

        def tick_of_calls() -> None:
            namespace["ticks"] = ticks()
            self.interrupt()

        namespace["tick_of_calls"] = tick_of_calls
        set_environment(namespace, self.globals if environment is None else environment)
        exec(chunk.code, namespace)
        main = namespace.pop(MAIN)
        return coroutine_function(main) if main.__code__.co_flags & 0x20 else main

    def run(self, function: Value, arguments: tuple[Value, ...] = ()) -> Value:
        """Call a function from outside with *arguments*: its first value.

        Raises :class:`LuaError`, and what ``interrupt`` raises.
        """
        before = sys.getrecursionlimit()
        outer, self._limit = self._limit, before + MAXIMUM_CALLS
        sys.setrecursionlimit(self._limit)
        calls = self.c_calls
        self.c_calls = calls + 1
        try:
            value = function(*arguments)
        except (LuaError, RecursionError, MemoryError) as failure:
            raise self.recover(failure) from None
        finally:
            self.c_calls = calls
            self._limit = outer
            sys.setrecursionlimit(before)
        return value if value.__class__ is not tuple else one(value)

    def with_room(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call what a script must not cut short, however little is left of its stack."""
        self._make_room()
        try:
            return function(*arguments)
        finally:
            sys.setrecursionlimit(self._limit)

    def _make_room(self) -> None:
        """A function of its own: where there is a frame left for it the limit can be set back by its caller."""
        sys.setrecursionlimit(self._limit + ROOM)

    def recover(self, failure: BaseException) -> LuaError:
        """The error of Lua's that *failure* is. Raises *failure* itself if scripts are not to know of it."""
        if isinstance(failure, LuaError):
            return failure
        if isinstance(failure, RecursionError):
            overflow = LuaError(_innermost_position(failure.__traceback__) + b"stack overflow")
            return overflow.with_traceback(failure.__traceback__)
        if isinstance(failure, MemoryError):
            return LuaError(b"not enough memory").with_traceback(failure.__traceback__)
        raise failure


def namespace_of(function: Value) -> dict[str, Any]:
    """The globals, in Python's sense, of the chunk that *function* of Lua belongs to."""
    namespace: dict[str, Any] = code_of(function).__globals__
    return namespace


def set_environment(namespace: dict[str, Any], environment: Table) -> None:
    """Let compiled code find its globals in *environment*."""
    namespace["environment"] = environment
    namespace["fenv"] = [environment]
    chunk: CompiledChunk = namespace[CHUNK]
    for python, (name, field) in chunk.fixed.items():
        namespace[python] = _fixed_value(environment, name, field)
    for python, (name, field) in chunk.functions.items():
        function = _fixed_value(environment, name, field)
        namespace[python] = function if function.__class__ is FunctionType else None
    namespace["get_global"] = environment.hash.get


def _fixed_value(environment: Table, name: bytes, field: bytes | None) -> Value:
    """A global, or a field of one, if nothing can change it; else None, and it is looked up each time."""
    value = environment.hash.get(name) if environment.__class__ is ReadOnlyTable else None
    if field is None:
        return value
    return value.hash.get(field) if value.__class__ is ReadOnlyTable else None


def _innermost_position(traceback: TracebackType | None) -> bytes:
    found = b""
    while traceback is not None:
        if CHUNK in traceback.tb_frame.f_globals:
            found = position(traceback.tb_frame)
        traceback = traceback.tb_next
    return found


__all__ = ["State", "levels", "logger", "namespace_of", "set_environment"]
