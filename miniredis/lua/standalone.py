"""Lua by itself: the libraries that a program has which no server has to be protected from, and how it ends.

What is there beside a script's libraries: ``print``, ``io``'s standard streams, ``os`` without files and programs,
``debug`` as far as it tells where one is, ``getfenv`` and ``setfenv``, ``newproxy`` (its finalizers are never called),
``loadfile`` and ``dofile``; with them, the libraries that Redis adds. There is no ``require``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from miniredis.lua.arguments import argument_error, check_string
from miniredis.lua.base_library import open_base_library
from miniredis.lua.bit import open_bit_library
from miniredis.lua.cjson import open_cjson_library
from miniredis.lua.cmsgpack import open_cmsgpack_library
from miniredis.lua.debug_library import open_debug_library
from miniredis.lua.environments import open_environments
from miniredis.lua.io_library import open_io_library
from miniredis.lua.math_library import open_math_library
from miniredis.lua.os_library import Exit, open_os_library
from miniredis.lua.positions import library_function
from miniredis.lua.random48 import Random48
from miniredis.lua.runtime import State
from miniredis.lua.string_library import open_string_library
from miniredis.lua.struct_library import open_struct_library
from miniredis.lua.table_library import open_table_library
from miniredis.lua.tracebacks import Level, described, left_behind
from miniredis.lua.values import MISSING, LuaError, Table, Userdata, Value


def standalone_state() -> State:
    """A state with all of that."""
    state = State()
    open_base_library(state)
    open_environments(state)
    for open_library in (open_string_library, open_table_library, open_os_library, open_io_library):
        open_library(state)
    open_debug_library(state)
    random = Random48()
    open_math_library(state, lambda: random)
    for open_library in (open_cjson_library, open_struct_library, open_cmsgpack_library, open_bit_library):
        open_library(state)
    _open_loaders(state)
    state.globals.hash[b"newproxy"] = newproxy
    return state


def _open_loaders(state: State) -> None:
    @library_function
    def loadfile(name: Value = MISSING, *_: Value) -> Value:
        try:
            return load_file(state, _file_name(name))
        except LuaError as failure:
            return (None, failure.value)

    @library_function
    def dofile(name: Value = MISSING, *_: Value) -> Value:
        return state.operations.call(load_file(state, _file_name(name)))

    state.globals.hash[b"loadfile"] = loadfile
    state.globals.hash[b"dofile"] = dofile


def _file_name(name: Value) -> str | None:
    return None if name is None or name is MISSING else check_string(1, name).decode(errors="surrogateescape")


def load_file(state: State, name: str | None) -> Value:
    """The function of the chunk in a file, None for standard input. Raises :class:`LuaError`."""
    if name is None:
        source, title = sys.stdin.buffer.read(), b"=stdin"
    else:
        title = b"@" + name.encode(errors="surrogateescape")
        try:
            source = Path(name).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "No such file or directory"
            raise LuaError(f"cannot open {name}: {reason}".encode(errors="surrogateescape")) from None
    if source[:1] == b"#":  # the line by which a system finds the interpreter
        source = b"--" + source
    return state.load(source, title)


@library_function
def newproxy(model: Value = MISSING, *_: Value) -> Value:
    """``newproxy``: a value without anything but a metatable, a new one (``true``) or that of another."""
    if model is True:
        return Userdata(Table({}))
    if model is None or model is False or model is MISSING:
        return Userdata()
    if model.__class__ is not Userdata:
        raise argument_error(1, "boolean or proxy expected")
    return Userdata(model.meta)


def run(state: State, function: Value, arguments: list[bytes]) -> int:
    """Run a program to its end; the exit code. What ends it early is told on standard error."""
    try:
        state.run(function, tuple(arguments))
    except LuaError as failure:
        complain(failure, left_behind(failure.__traceback__))
        return 1
    except Exit as ended:
        return ended.code
    return 0


def complain(failure: LuaError, stack: Sequence[Level] = ()) -> None:
    """Tell of an error as ``lua`` does: its text, and where it happened. Of nil there is nothing to tell."""
    value = failure.value
    if value is None:
        return
    text = b"(error object is not a string)"
    if value.__class__ in (bytes, float):
        text = check_string(1, value)
        if stack:
            text += b"\n" + described(stack, 2)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(b"lua: " + text + b"\n")
    sys.stderr.buffer.flush()
