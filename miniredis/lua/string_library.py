"""The library ``string``, which is also what strings have as methods."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Final

from miniredis.lua.arguments import (
    MAXIMUM_STACK,
    argument_error,
    check_int,
    check_integer,
    check_string,
    library_error,
    type_error,
)
from miniredis.lua.formats import format_string
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import MAXIMUM_STRING
from miniredis.lua.patterns import SPECIALS, Match, Pattern, PatternError, pattern
from miniredis.lua.positions import library_function
from miniredis.lua.runtime import State
from miniredis.lua.values import MISSING, Table, Value, type_name

ORDER: Final = "byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper"


def open_string_library(state: State) -> Table:
    """Put the library among the globals of *state*, and let strings have it as methods."""
    functions: dict[str, Value] = {}

    def add(name: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
        def register(function: Callable[..., Value]) -> Callable[..., Value]:
            functions[name] = library_function(function)
            return function

        return register

    @add("len")
    def len_(text: Value = MISSING, *_: Value) -> Value:
        return float(len(check_string(1, text)))

    @add("sub")
    def sub(text: Value = MISSING, start: Value = MISSING, stop: Value = MISSING, *_: Value) -> Value:
        subject = check_string(1, text)
        first, last = _range(len(subject), check_integer(2, start), check_integer(3, stop, -1))
        return subject[first - 1 : last] if first <= last else b""

    @add("reverse")
    def reverse(text: Value = MISSING, *_: Value) -> Value:
        return check_string(1, text)[::-1]

    @add("lower")
    def lower(text: Value = MISSING, *_: Value) -> Value:
        return check_string(1, text).lower()

    @add("upper")
    def upper(text: Value = MISSING, *_: Value) -> Value:
        return check_string(1, text).upper()

    @add("rep")
    def rep(text: Value = MISSING, times: Value = MISSING, *_: Value) -> Value:
        subject = check_string(1, text)
        count = max(check_int(2, times), 0)
        if len(subject) * count > MAXIMUM_STRING:
            raise library_error("resulting string too large")
        return subject * count

    @add("byte")
    def byte(text: Value = MISSING, start: Value = MISSING, stop: Value = MISSING, *more: Value) -> Value:
        subject = check_string(1, text)
        begin = check_integer(2, start, 1)
        first, last = _range(len(subject), begin, check_integer(3, stop, _relative(begin, len(subject))))
        given = 1 + (start is not MISSING) + (stop is not MISSING) + len(more)
        if given + last - first >= MAXIMUM_STACK:
            raise library_error("stack overflow (string slice too long)")
        return tuple(map(float, subject[first - 1 : last])) if first <= last else ()

    @add("char")
    def char(*codes: Value) -> Value:
        numbers: list[int] = []
        for number, code in enumerate(codes, 1):
            numbers.append(check_int(number, code))
            if not 0 <= numbers[-1] <= 255:
                raise argument_error(number, "invalid value")
        return bytes(numbers)

    @add("dump")
    def dump(function: Value = MISSING, *_: Value) -> Value:
        if function.__class__ is not FunctionType:
            raise type_error(1, function, "function")
        raise library_error("unable to dump given function")

    @add("format")
    def format_(template: Value = MISSING, *arguments: Value) -> Value:
        return format_string(check_string(1, template), arguments)

    @add("find")
    def find(
        text: Value = MISSING, what: Value = MISSING, start: Value = MISSING, plain: Value = None, *_: Value
    ) -> Value:
        subject, wanted = check_string(1, text), check_string(2, what)
        at = min(max(_relative(check_integer(3, start, 1), len(subject)) - 1, 0), len(subject))
        if (plain is not None and plain is not False) or SPECIALS.isdisjoint(wanted.partition(b"\0")[0]):
            found = subject.find(wanted, at)
            return None if found < 0 else (float(found + 1), float(found + len(wanted)))
        match = _search(pattern(wanted), subject, at)
        return None if match is None else (float(match.start + 1), float(match.end), *_captures(match))

    @add("match")
    def match_(text: Value = MISSING, what: Value = MISSING, start: Value = MISSING, *_: Value) -> Value:
        subject, wanted = check_string(1, text), check_string(2, what)
        at = min(max(_relative(check_integer(3, start, 1), len(subject)) - 1, 0), len(subject))
        match = _search(pattern(wanted), subject, at)
        return None if match is None else tuple(_captures(match)) or subject[match.start : match.end]

    @add("gmatch")
    def gmatch(text: Value = MISSING, what: Value = MISSING, *_: Value) -> Value:
        subject, wanted = check_string(1, text), check_string(2, what)
        at = 0
        # An anchor means nothing to gmatch: it is a byte like any other.
        compiled = Pattern(b"%" + wanted) if wanted[:1] == b"^" else pattern(wanted)

        def following(*_: Value) -> Value:
            nonlocal at
            if at > len(subject):
                return ()
            match = _search(compiled, subject, at)
            if match is None:
                at = len(subject) + 1
                return ()
            at = match.end + 1 if match.end == match.start else match.end
            return tuple(_captures(match)) or subject[match.start : match.end]

        return library_function(following)

    functions["gfind"] = gmatch

    @add("gsub")
    def gsub(
        text: Value = MISSING, what: Value = MISSING, new: Value = MISSING, most: Value = MISSING, *_: Value
    ) -> Value:
        subject, wanted = check_string(1, text), check_string(2, what)
        limit = check_int(4, most, len(subject) + 1)
        if new.__class__ is float:
            new = check_string(3, new)
        if new.__class__ not in (bytes, FunctionType) and not isinstance(new, Table):
            raise argument_error(3, "string/function/table expected")
        compiled = pattern(wanted)
        parts: list[bytes] = []
        at = count = 0
        while count < limit:
            match = _search(compiled, subject, at)
            if match is None:
                break
            count += 1
            parts += (subject[at : match.start], _replacement(state, new, match, subject))
            if match.end > match.start:
                at = match.end
            elif match.end < len(subject):
                parts.append(subject[match.end : match.end + 1])
                at = match.end + 1
            else:
                at = len(subject)
                break
            if compiled.anchored:
                break
        parts.append(subject[at:])
        return (b"".join(parts), float(count))

    library = library_table(functions, ORDER)
    state.globals.hash[b"string"] = library
    state.string_metatable = Table({b"__index": library})
    return library


def _replacement(state: State, new: Value, match: Match, subject: bytes) -> bytes:
    whole = subject[match.start : match.end]
    if new.__class__ is bytes:
        return _expand(new, match, whole)
    if new.__class__ is FunctionType:
        value = state.operations.call_one(new, *(_captures(match) or [whole]))
    else:
        first = _capture(match, 1)
        value = state.operations.index(new, whole if first is None else first)
    if value is None or value is False:
        return whole
    if value.__class__ is bytes:
        return value
    if value.__class__ is float:
        return check_string(1, value)
    raise library_error(f"invalid replacement value (a {type_name(value).decode()})")


def _expand(new: bytes, match: Match, whole: bytes) -> bytes:
    if b"%" not in new:
        return new
    parts: list[bytes] = []
    at = 0
    while (percent := new.find(b"%", at)) >= 0:
        parts.append(new[at:percent])
        digit = new[percent + 1 : percent + 2]
        at = percent + 2
        if not digit.isdigit():
            parts.append(digit or b"\0")
        elif digit == b"0":
            parts.append(whole)
        else:
            number = int(digit)
            held = _capture(match, number)
            parts.append(whole if held is None else check_string(number, held))
    parts.append(new[at:])
    return b"".join(parts)


def _search(compiled: Pattern, subject: bytes, at: int) -> Match | None:
    try:
        return compiled.search(subject, at)
    except PatternError as error:
        raise library_error(str(error)) from None


def _captures(match: Match) -> list[bytes | float]:
    try:
        return match.captures
    except PatternError as error:
        raise library_error(str(error)) from None


def _capture(match: Match, number: int) -> bytes | float | None:
    try:
        return match.capture(number)
    except PatternError as error:
        raise library_error(str(error)) from None


def _relative(position: int, length: int) -> int:
    """A position counted from the end if negative; 0 for one before the beginning."""
    return position if position >= 0 else max(length + position + 1, 0)


def _range(length: int, start: int, stop: int) -> tuple[int, int]:
    return max(_relative(start, length), 1), min(_relative(stop, length), length)
