"""The library ``os``, without what starts programs or touches files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from miniredis.lua.arguments import check_int, check_number, check_string, check_table, library_error, to_integer
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import to_number
from miniredis.lua.runtime import State
from miniredis.lua.values import MISSING, Table, Value

ORDER: Final = "clock date difftime exit getenv setlocale time"

_FIELDS: Final = (
    ("sec", "tm_sec"),
    ("min", "tm_min"),
    ("hour", "tm_hour"),
    ("day", "tm_mday"),
    ("month", "tm_mon"),
    ("year", "tm_year"),
    ("yday", "tm_yday"),
)


class Exit(BaseException):
    """The script has called ``os.exit`` with that *code*."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def open_os_library(state: State) -> Table:
    """Put the library among the globals of *state*. ``os.exit`` raises :class:`Exit`."""

    def clock(*_: Value) -> Value:
        return time.process_time()

    def date(template: Value = MISSING, moment: Value = MISSING, *_: Value) -> Value:
        text = check_string(1, template, b"%c")
        seconds = time.time() if moment is None or moment is MISSING else check_number(2, moment)
        convert: Callable[[float], time.struct_time] = time.localtime
        if text[:1] == b"!":
            text, convert = text[1:], time.gmtime
        try:
            parts = convert(to_integer(seconds))
        except (OverflowError, OSError, ValueError):
            return None
        if text.startswith(b"*t"):
            return _as_table(parts)
        return b"".join(_formatted(piece, parts) for piece in _pieces(text))

    def difftime(later: Value = MISSING, earlier: Value = MISSING, *_: Value) -> Value:
        return float(to_integer(check_number(1, later)) - to_integer(check_number(2, earlier, 0.0)))

    def exit_(code: Value = MISSING, *_: Value) -> Value:
        raise Exit(check_int(1, code, 0) & 0xFF)

    def getenv(name: Value = MISSING, *_: Value) -> Value:
        return os.environb.get(check_string(1, name).partition(b"\0")[0])

    def setlocale(name: Value = MISSING, *_: Value) -> Value:
        return b"C" if check_string(1, name, b"") in (b"", b"C", b"POSIX") else None

    def time_(table: Value = MISSING, *_: Value) -> Value:
        if table is None or table is MISSING:
            return float(int(time.time()))
        check_table(1, table)
        # In the order in which they are asked for: the first that is missing is the one that is complained of.
        second, minute, hour = _field(table, b"sec", 0), _field(table, b"min", 0), _field(table, b"hour", 12)
        day, month, year = (_field(table, name, None) for name in (b"day", b"month", b"year"))
        is_summer = table.hash.get(b"isdst")
        summer = -1 if is_summer is None else int(is_summer is not False)
        try:
            return time.mktime((year, month, day, hour, minute, second, 0, 0, summer))
        except (OverflowError, ValueError):
            return None

    functions = {
        "clock": clock,
        "date": date,
        "difftime": difftime,
        "exit": exit_,
        "getenv": getenv,
        "setlocale": setlocale,
        "time": time_,
    }
    library = library_table(functions, ORDER)
    state.globals.hash[b"os"] = library
    return library


def _field(table: Table, name: bytes, default: int | None) -> int:
    number = to_number(table.hash.get(name))
    if number is not None:
        return to_integer(number)
    if default is None:
        raise library_error(b"field '%b' missing in date table" % name)
    return default


def _as_table(parts: time.struct_time) -> Table:
    content: dict[Value, Value] = {name.encode(): float(getattr(parts, field)) for name, field in _FIELDS}
    content[b"wday"] = float((parts.tm_wday + 1) % 7 + 1)  # Sunday is 1
    if parts.tm_isdst >= 0:
        content[b"isdst"] = bool(parts.tm_isdst)
    return Table(content)


def _pieces(text: bytes) -> list[bytes]:
    """*text* cut into conversions of C's and what stands between them; a ``%`` at the end is text."""
    pieces: list[bytes] = []
    at = 0
    while at < len(text):
        length = 2 if text[at : at + 1] == b"%" and at + 1 < len(text) else 1
        pieces.append(text[at : at + length])
        at += length
    return pieces


def _formatted(piece: bytes, parts: time.struct_time) -> bytes:
    return time.strftime(piece.decode("latin-1"), parts).encode("latin-1") if len(piece) == 2 else piece
