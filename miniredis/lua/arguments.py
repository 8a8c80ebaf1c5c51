"""How library functions take their arguments: coerced and refused as ``lauxlib`` does, in its words."""

from __future__ import annotations

from typing import Final

from miniredis.lua.numbers import format_number
from miniredis.lua.operations import to_number
from miniredis.lua.positions import called_name, where
from miniredis.lua.values import MISSING, LuaError, Table, Value, type_name

WORD: Final = (1 << 64) - 1

MAXIMUM_STACK: Final = 8000
"""How many values a library function can have on Lua's stack, its arguments among them (LUAI_MAXCSTACK)."""


def library_error(message: str | bytes) -> LuaError:
    """An error that a library function raises, with the position of its caller (``luaL_error``)."""
    return LuaError(where(1) + (message.encode("latin-1") if isinstance(message, str) else message))


def argument_error(number: int, message: str) -> LuaError:
    """*message* about the argument with that *number*, counted from 1 (``luaL_argerror``)."""
    kind, name = called_name(0)
    if kind == "method":
        number -= 1
        if number == 0:
            return library_error(b"calling '%b' on bad self (%b)" % (name, message.encode("latin-1")))
    return library_error(b"bad argument #%d to '%b' (%b)" % (number, name, message.encode("latin-1")))


def type_error(number: int, value: Value, expected: str) -> LuaError:
    """An argument of the wrong type."""
    return argument_error(number, f"{expected} expected, got {type_name(value).decode()}")


def check_any(number: int, value: Value) -> Value:
    """An argument that has to be there, be it nil."""
    if value is MISSING:
        raise argument_error(number, "value expected")
    return value


def check_table(number: int, value: Value) -> Table:
    """A table."""
    if not isinstance(value, Table):
        raise type_error(number, value, "table")
    return value


def check_number(number: int, value: Value, default: float | None = None) -> float:
    """A number, or a string that spells one; *default* for nil or nothing where it is given."""
    if value.__class__ is float:
        return value
    if default is not None and (value is None or value is MISSING):
        return default
    found = to_number(value)
    if found is None:
        raise type_error(number, value, "number")
    return found


def check_integer(number: int, value: Value, default: int | None = None) -> int:
    """A number cut to an integer as C cuts a double to ``ptrdiff_t``."""
    return to_integer(check_number(number, value, None if default is None else float(default)))


def check_int(number: int, value: Value, default: int | None = None) -> int:
    """As :func:`check_integer`, and then cut to the 32 bits of C's ``int``."""
    return ((check_integer(number, value, default) + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def to_integer(number: float) -> int:
    """A double as a 64-bit integer; what does not fit becomes the smallest, as on x86."""
    if -9.223372036854775808e18 <= number < 9.223372036854775808e18:
        return int(number)
    return -(1 << 63)


def to_word(number: float) -> int:
    """A double as an unsigned 64-bit integer."""
    if -9.223372036854775808e18 < number < 1.8446744073709551616e19:
        return int(number) & WORD
    return 0 if number > 0 else 1 << 63


def check_string(number: int, value: Value, default: bytes | None = None) -> bytes:
    """A string, or a number as a string; *default* for nil or nothing where it is given."""
    if value.__class__ is bytes:
        return value
    if value.__class__ is float:
        return format_number(value)
    if default is not None and (value is None or value is MISSING):
        return default
    raise type_error(number, value, "string")
