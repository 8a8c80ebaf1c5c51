"""The part of the library ``debug`` that tells where a script is, and gets at metatables and environments."""

from __future__ import annotations

from types import FrameType, FunctionType
from typing import Final

from miniredis.lua.arguments import argument_error, check_int, check_string
from miniredis.lua.compiler import MAIN
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import metatable
from miniredis.lua.positions import CHUNK, LIBRARY_CODE, chunk_id
from miniredis.lua.runtime import State, namespace_of
from miniredis.lua.tail_calls import code_of
from miniredis.lua.tracebacks import Level, defined_at, described, running
from miniredis.lua.values import MISSING, Table, Userdata, Value

ORDER: Final = "getfenv getinfo getmetatable getregistry setfenv setmetatable traceback"


def open_debug_library(state: State) -> Table:
    """Put the library among the globals of *state*, which has its environments already."""
    registry = Table({})

    def getinfo(subject: Value = MISSING, what: Value = MISSING, *_: Value) -> Value:
        check_string(2, what, b"flnSu")
        if subject.__class__ is FunctionType:
            return _about_function(subject)
        number = check_int(1, subject)
        stack = running(0, state.handled)
        if not 0 <= number < len(stack) + 1:
            return None
        return _about_level(stack[number]) if number < len(stack) else _of_library()

    def getmetatable(value: Value = MISSING, *_: Value) -> Value:
        return metatable(value, state.string_metatable)

    def setmetatable(value: Value = MISSING, meta: Value = MISSING, *_: Value) -> Value:
        if meta is not None and not isinstance(meta, Table):
            raise argument_error(2, "nil or table expected")
        if isinstance(value, Table | Userdata):
            value.meta = meta
        elif value.__class__ is bytes:
            state.string_metatable = meta
        return True

    def getregistry(*_: Value) -> Value:
        return registry

    def traceback(message: Value = MISSING, level: Value = MISSING, *_: Value) -> Value:
        if message not in (None, MISSING) and message.__class__ not in (bytes, float):
            return message
        first = check_int(2, level, 1)
        stack = described(running(first, state.handled), first)
        return stack if message in (None, MISSING) else check_string(1, message) + b"\n" + stack

    functions = {
        "getfenv": state.globals.hash[b"getfenv"],
        "getinfo": getinfo,
        "getmetatable": getmetatable,
        "getregistry": getregistry,
        "setfenv": state.globals.hash[b"setfenv"],
        "setmetatable": setmetatable,
        "traceback": traceback,
    }
    library = library_table(functions, ORDER)
    state.globals.hash[b"debug"] = library
    return library


def _about_level(level: Level) -> Table:
    if level is None:
        return _described(b"=(tail call)", False, -1)
    frame, _, line = level
    if CHUNK not in frame.f_globals:
        return _of_library()
    about = _source(frame)
    origins = frame.f_globals[CHUNK].origins
    about.hash[b"currentline"] = float(origins[line])
    return about


def _source(frame: FrameType) -> Table:
    name = frame.f_globals[CHUNK].name
    is_main = frame.f_code.co_name == MAIN
    return _described(name, is_main, 0 if is_main else defined_at(frame))


def _about_function(function: Value) -> Table:
    if function.__code__ in LIBRARY_CODE:
        about = _of_library()
    else:
        chunk = namespace_of(function)[CHUNK]
        code = code_of(function).__code__
        is_main = code.co_name == MAIN
        about = _described(chunk.name, is_main, 0 if is_main else chunk.origins[code.co_firstlineno])
    about.hash[b"func"] = function
    return about


def _described(name: bytes, is_main: bool, line: int) -> Table:
    return Table(
        {
            b"source": name,
            b"short_src": chunk_id(name),
            b"what": b"main" if is_main else b"Lua",
            b"linedefined": float(line),
            b"currentline": -1.0,
        }
    )


def _of_library() -> Table:
    return Table(
        {
            b"source": b"=[C]",
            b"short_src": b"[C]",
            b"what": b"C",
            b"linedefined": -1.0,
            b"lastlinedefined": -1.0,
            b"currentline": -1.0,
        }
    )
