"""The functions that stand among the globals themselves: ``assert`` to ``xpcall``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

from miniredis.lua.arguments import (
    MAXIMUM_STACK,
    argument_error,
    check_any,
    check_int,
    check_number,
    check_string,
    check_table,
    library_error,
    type_error,
)
from miniredis.lua.coroutines import Coroutine
from miniredis.lua.numbers import format_number, parse_number
from miniredis.lua.operations import (
    ERROR_IN_HANDLER,
    MAXIMUM_C_CALLS_IN_HANDLERS,
    MAXIMUM_STRING,
    metatable,
    run_error,
)
from miniredis.lua.parser import is_refused_whatever_follows
from miniredis.lua.positions import library_function, where
from miniredis.lua.runtime import State
from miniredis.lua.traversal import next_pair
from miniredis.lua.values import MISSING, LightUserdata, LuaError, Table, Value, type_name

_BOUNDARY: Final = re.compile(rb"[^\w.=~<>\[\]'\"\\-]")
"""What no token of several bytes has in it, but for strings and comments."""


def open_base_library(state: State) -> None:
    """Put the functions among the globals of *state*."""
    operations = state.operations
    functions: dict[bytes, Callable[..., Value]] = {}
    pace = {b"setpause": 200.0, b"setstepmul": 200.0}

    def add(name: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
        def register(function: Callable[..., Value]) -> Callable[..., Value]:
            functions[name.encode()] = library_function(function)
            return function

        return register

    @add("assert")
    def assert_(value: Value = MISSING, *rest: Value) -> Value:
        check_any(1, value)
        if value is None or value is False:
            raise (
                library_error(check_string(2, rest[0] if rest else MISSING, b"assertion failed!").partition(b"\0")[0])
                if (not rest or rest[0] is None or rest[0].__class__ in (bytes, float))
                else type_error(2, rest[0], "string")
            )
        return (value, *rest)

    @add("collectgarbage")
    def collectgarbage(option: Value = MISSING, argument: Value = MISSING, *_: Value) -> Value:
        name = check_string(1, option, b"collect")
        if name not in (b"stop", b"restart", b"collect", b"count", b"step", b"setpause", b"setstepmul"):
            raise argument_error(1, f"invalid option '{name.decode('latin-1')}'")
        value = check_int(2, argument, 0)
        if name == b"count":
            return 32.0 + len(state.globals.hash) / 8
        if name in pace:
            before, pace[name] = pace[name], float(value)
            return before
        return name == b"step" or 0.0

    @add("gcinfo")
    def gcinfo(*_: Value) -> Value:
        return 32.0

    @add("error")
    def error(message: Value = MISSING, level: Value = MISSING, *_: Value) -> Value:
        at = check_int(2, level, 1)
        if message is MISSING:
            message = None
        if message.__class__ in (bytes, float) and at > 0:
            message = where(at) + check_string(1, message)
        raise LuaError(message)

    @add("getmetatable")
    def getmetatable(value: Value = MISSING, *_: Value) -> Value:
        check_any(1, value)
        meta = metatable(value, state.string_metatable)
        if meta is None:
            return None
        protected = meta.hash.get(b"__metatable")
        return meta if protected is None else protected

    @add("setmetatable")
    def setmetatable(table: Value = MISSING, meta: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        if meta is not None and not isinstance(meta, Table):
            raise argument_error(2, "nil or table expected")
        if table.__class__ is not Table:
            raise run_error("Attempt to modify a readonly table")
        if table.meta is not None and table.meta.hash.get(b"__metatable") is not None:
            raise library_error("cannot change a protected metatable")
        table.meta = meta
        return table

    @add("rawequal")
    def rawequal(left: Value = MISSING, right: Value = MISSING, *_: Value) -> Value:
        check_any(1, left)
        check_any(2, right)
        return left.__class__ is right.__class__ and (left is right or bool(left == right))

    @add("rawget")
    def rawget(table: Value = MISSING, key: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        check_any(2, key)
        return table.get(key)

    @add("rawset")
    def rawset(table: Value = MISSING, key: Value = MISSING, value: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        check_any(2, key)
        check_any(3, value)
        operations.raw_set(table, key, value)
        return table

    @add("next")
    def next_(table: Value = MISSING, key: Value = None, *_: Value) -> Value:
        check_table(1, table)
        try:
            return next_pair(table, key)
        except KeyError:
            raise LuaError(b"invalid key to 'next'") from None

    @add("pairs")
    def pairs(table: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        return (next_, table, None)

    def next_index(table: Value = MISSING, index: Value = MISSING, *_: Value) -> Value:
        at = float(check_int(2, index)) + 1.0
        check_table(1, table)
        value = table.hash.get(at)
        return () if value is None else (at, value)

    library_function(next_index)

    @add("ipairs")
    def ipairs(table: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        return (next_index, table, 0.0)

    @add("pcall")
    def pcall(function: Value = MISSING, *arguments: Value) -> Value:
        check_any(1, function)
        return protected_call(state, function, *arguments)

    @add("xpcall")
    def xpcall(function: Value = MISSING, handler: Value = MISSING, *_: Value) -> Value:
        check_any(2, handler)
        calls = state.c_calls
        try:
            values = operations.call(function)
        except (LuaError, RecursionError, MemoryError) as failure:
            state.c_calls = calls
            return (False, _handled(state, handler, state.recover(failure)))
        return (True, *values) if values.__class__ is tuple else (True, values)

    @add("print")
    def print_(*values: Value) -> Value:
        sys.stdout.buffer.write(b"\t".join(to_text(value) for value in values) + b"\n")
        sys.stdout.buffer.flush()
        return ()

    @add("select")
    def select(number: Value = MISSING, *values: Value) -> Value:
        if number == b"#":
            return float(len(values))
        at = check_int(1, number)
        if at < 0:
            at = len(values) + at + 1
        if at < 1:
            raise argument_error(1, "index out of range")
        return values[at - 1 :]

    @add("tonumber")
    def tonumber(value: Value = MISSING, base: Value = MISSING, *_: Value) -> Value:
        if base is MISSING:
            if value.__class__ is bytes:
                return float(value) if value.isdigit() else parse_number(value)
            if value.__class__ is float:
                return value
        radix = check_int(2, base, 10)
        if radix == 10:
            check_any(1, value)
            return value if value.__class__ is float else parse_number(value) if value.__class__ is bytes else None
        text = check_string(1, value)
        if not 2 <= radix <= 36:
            raise argument_error(2, "base out of range")
        return _in_base(text, radix)

    def to_text(value: Value) -> bytes:
        if value.__class__ is bytes:
            return value
        if value.__class__ is float:
            return format_number(value)
        handler = operations.metamethod(value, b"__tostring")
        if handler is not None:
            text = operations.call_one(handler, value)
            if text.__class__ is not bytes:
                raise library_error("'tostring' must return a string to 'print'")
            return text
        return plain_text(value)

    @add("tostring")
    def tostring(value: Value = MISSING, *_: Value) -> Value:
        check_any(1, value)
        if value.__class__ is float:
            return format_number(value)
        handler = operations.metamethod(value, b"__tostring")
        return operations.call_one(handler, value) if handler is not None else plain_text(value)

    @add("type")
    def type_(value: Value = MISSING, *_: Value) -> Value:
        return type_name(check_any(1, value))

    @add("unpack")
    def unpack(table: Value = MISSING, start: Value = MISSING, stop: Value = MISSING, *more: Value) -> Value:
        check_table(1, table)
        first = check_int(2, start, 1)
        last = table.length() if stop is None or stop is MISSING else check_int(3, stop)
        if first > last:
            return ()
        given = 1 + (start is not MISSING) + (stop is not MISSING) + len(more)
        if given + last - first >= MAXIMUM_STACK:
            raise library_error("too many results to unpack")
        return tuple(map(table.hash.get, map(float, range(first, last + 1))))

    def load_text(source: bytes, name: bytes) -> Value:
        try:
            return state.load(source, name)
        except LuaError as failure:
            return (None, failure.value)

    @add("loadstring")
    def loadstring(source: Value = MISSING, name: Value = MISSING, *_: Value) -> Value:
        text = check_string(1, source)
        return load_text(text, check_string(2, name, text))

    @add("load")
    def load(reader: Value = MISSING, name: Value = MISSING, *_: Value) -> Value:
        title = check_string(2, name, b"=(load)")
        if reader.__class__ is not FunctionType:
            raise type_error(1, reader, "function")
        try:
            return load_text(_read_all(state, reader), title)
        except (LuaError, RecursionError, MemoryError) as failure:
            return (None, state.recover(failure).value)

    state.next, state.next_index = next_, next_index
    content: dict[Any, Value] = state.globals.hash
    content.update(functions)
    content[b"_G"] = state.globals
    content[b"_VERSION"] = b"Lua 5.1"
    content[b"coroutine"] = state.coroutines.table()


def protected_call(state: State, function: Value, *arguments: Value) -> tuple[Value, ...]:
    """Whether calling *function* went well, and its values or the error: what ``pcall`` returns."""
    calls = state.c_calls
    try:
        values = state.operations.call(function, *arguments)
    except (LuaError, RecursionError, MemoryError) as failure:
        state.c_calls = calls
        return (False, state.recover(failure).value)
    return (True, *values) if values.__class__ is tuple else (True, values)


def _read_all(state: State, reader: Value) -> bytes:
    """The text that *reader* gives piece by piece, as far as it can be Lua: a mistake in it ends it.

    So that a reader without end is stopped where PUC's Lua, which reads as it goes, stops it.
    """
    text = bytearray()
    looked_at = 0
    while True:
        state.operations.tick()
        part = state.operations.call_one(reader)
        if part is None or part == b"":
            return bytes(text)
        if part.__class__ not in (bytes, float):
            raise LuaError(where(1) + b"reader function must return a string")
        text += check_string(1, part)
        if len(text) > MAXIMUM_STRING:
            raise MemoryError
        if len(text) > 2 * looked_at:
            looked_at = len(text)
            whole = bytes(text[: _last_boundary(text)])
            if is_refused_whatever_follows(whole):
                return whole


def _last_boundary(text: bytearray) -> int:
    """Up to where *text* surely consists of whole tokens, if it does not end within a string or a comment."""
    return max((found.end() for found in _BOUNDARY.finditer(text, max(len(text) - 1000, 0))), default=0)


def _handled(state: State, handler: Value, error: LuaError) -> Value:
    """What *handler* makes of an error. What goes wrong in it is given to it again, until it has had enough."""
    calls, outer = state.c_calls, state.handled
    state.handled = error.__traceback__
    try:
        # It would run on top of the call that has failed, and each time on top of itself.
        for depth in range(calls + 1, MAXIMUM_C_CALLS_IN_HANDLERS if handler.__class__ is FunctionType else 0):
            state.c_calls = depth
            try:
                return state.operations.call_one(handler, error.value)
            except (LuaError, RecursionError, MemoryError) as failure:
                error = state.recover(failure)
    finally:
        state.c_calls = calls
        state.handled = outer
    return ERROR_IN_HANDLER


def plain_text(value: Value) -> bytes:
    """What ``tostring`` makes of a value that is no number, without regard to metatables."""
    if value.__class__ is bytes:
        return value
    if value is None or value.__class__ is bool:
        return {None: b"nil", True: b"true", False: b"false"}[value]
    if isinstance(value, LightUserdata):
        return b"userdata: 0x%x" % value.bits if value.bits else b"userdata: (nil)"
    kind = b"thread" if isinstance(value, Coroutine) else type_name(value)
    return b"%b: 0x%012x" % (kind, id(value))


def _in_base(text: bytes, base: int) -> Value:
    """A whole number in another base, as C's ``strtoul`` reads it."""
    digits = text.partition(b"\0")[0].strip(b" \t\n\v\f\r")
    negative = digits[:1] == b"-"
    if digits[:1] in (b"-", b"+"):
        digits = digits[1:]
    if base == 16 and digits[:2].lower() == b"0x":
        digits = digits[2:]
    try:
        if not digits.isalnum():
            return None
        number = int(digits, base)
    except ValueError:
        return None
    check_number(1, 0.0)
    if number >= 1 << 64:
        number = (1 << 64) - 1
    return float(-number % (1 << 64) if negative else number)
