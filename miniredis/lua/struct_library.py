"""The library ``struct``: numbers and strings packed into the bytes of a C structure, and taken out again.

A format is a C string: it ends at a NUL. Positions and sizes wrap around as C's do, and conversions of numbers that do
not fit give what they give on x86-64.
"""

from __future__ import annotations

import struct
from math import copysign, inf
from typing import Final, NamedTuple

from miniredis.lua.arguments import (
    MAXIMUM_STACK,
    WORD,
    argument_error,
    check_integer,
    check_number,
    check_string,
    library_error,
    to_word,
)
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import to_number
from miniredis.lua.runtime import State
from miniredis.lua.values import MISSING, Table, Value

ORDER: Final = "pack unpack size"

MAXIMUM_INTEGER: Final = 32
"""Bytes in an integer."""
MAXIMUM_ALIGNMENT: Final = 8
MAXIMUM_INT: Final = 0x7FFFFFFF
HALF_OF_WORDS: Final = 1 << 63

INTEGERS: Final = frozenset(b"bBhHlLTiI")
SIZES: Final = {
    **dict.fromkeys(b"bBx", 1),
    **dict.fromkeys(b"hH", 2),
    **dict.fromkeys(b"lLTd", 8),
    **dict.fromkeys(b"f", 4),
}


class Item(NamedTuple):
    """One option of a format: its letter, its size (0 for one without) and the byte order that holds for it."""

    option: int
    size: int
    is_big: bool


class _Format:
    """A format being read: the options one by one, and how they are to be aligned."""

    def __init__(self, text: bytes) -> None:
        self._text = text.partition(b"\0")[0]
        self._at = 0
        self._alignment = 1
        self._is_big = False

    def __bool__(self) -> bool:
        """Whether there is more to read."""
        return self._at < len(self._text)

    def next(self) -> Item:
        """The next option. One that is no item has still to go through :meth:`control`."""
        option = self._text[self._at]
        self._at += 1
        size = SIZES.get(option, 0)
        if option == ord("c"):
            size = self._number(1)
        elif option in b"iI":
            size = self._number(4)
            if size > MAXIMUM_INTEGER:
                raise library_error(f"integral size {size} is larger than limit of {MAXIMUM_INTEGER}")
        return Item(option, size, self._is_big)

    def padding(self, item: Item, position: int) -> int:
        """How many bytes come before an item at that position."""
        if item.size == 0 or item.option == ord("c"):
            return 0
        size = min(item.size, self._alignment)
        return size - (position & size - 1) & size - 1

    def control(self, option: int) -> None:
        """Follow an option that stands for no item."""
        match option:
            case 0x20:  # a blank
                pass
            case 0x3E:  # >
                self._is_big = True
            case 0x3C:  # <
                self._is_big = False
            case 0x21:  # !
                alignment = self._number(MAXIMUM_ALIGNMENT)
                if alignment <= 0 or alignment & alignment - 1:
                    raise library_error(f"alignment {alignment} is not a power of 2")
                self._alignment = alignment
            case _:
                raise argument_error(1, f"invalid format option '{chr(option)}'")

    def _number(self, default: int) -> int:
        """The number that follows an option."""
        text, start = self._text, self._at
        while self._at < len(text) and 0x30 <= text[self._at] <= 0x39:
            self._at += 1
            if int(text[start : self._at]) > MAXIMUM_INT:
                raise library_error("integral size overflow")
        return int(text[start : self._at]) if self._at > start else default


def open_struct_library(state: State) -> Table:
    """Put the library among the globals of *state*."""

    def pack(template: Value = MISSING, *values: Value) -> Value:
        shape = _Format(check_string(1, template))
        # A value that is missing appears as nil, not as missing.
        rest = iter(enumerate((*values, None), 2))
        packed = bytearray()
        while shape:
            item = shape.next()
            packed += bytes(shape.padding(item, len(packed)))
            if item.option in INTEGERS:
                packed += _integer_bytes(check_number(*next(rest)), item)
            elif item.option in b"fd":
                packed += _float_bytes(check_number(*next(rest)), item)
            elif item.option in b"cs":
                number, value = next(rest)
                text = check_string(number, value)
                if item.size > len(text):
                    raise argument_error(number + 1, "string too short")
                packed += text[: item.size or len(text)]
                if item.option == ord("s"):
                    packed.append(0)
            elif item.option == ord("x"):
                packed.append(0)
            else:
                shape.control(item.option)
        return bytes(packed)

    def unpack(template: Value = MISSING, text: Value = MISSING, start: Value = MISSING, *more: Value) -> Value:
        shape = _Format(check_string(1, template))
        data = check_string(2, text)
        position = check_integer(3, start, 1)
        if position == 0:
            raise argument_error(3, "offset must be 1 or greater")
        position = position - 1 & WORD
        given = 2 + (start is not MISSING) + len(more)
        values: list[Value] = []
        while shape:
            item = shape.next()
            position = position + shape.padding(item, position) & WORD
            if position + item.size > len(data):
                raise argument_error(2, "data string too short")
            if given + len(values) + 2 > MAXIMUM_STACK:
                raise library_error("stack overflow (too many results)")
            size = item.size
            if item.option in INTEGERS:
                values.append(_integer_from(data[position : position + size], item))
            elif item.option in b"fd":
                values.append(_float_from(data[position : position + size], item))
            elif item.option == ord("c"):
                size = size or _previous_size(values, len(data) - position)
                values.append(data[position : position + size])
            elif item.option == ord("s"):
                end = data.find(0, position)
                if end < 0:
                    raise library_error("unfinished string in data")
                values.append(data[position:end])
                size = end - position + 1
            elif item.option != ord("x"):
                shape.control(item.option)
            position += size
        return (*values, float((position + 1 + HALF_OF_WORDS & WORD) - HALF_OF_WORDS))  # as a number with a sign

    def size_(template: Value = MISSING, *_: Value) -> Value:
        shape = _Format(check_string(1, template))
        total = 0
        while shape:
            item = shape.next()
            total += shape.padding(item, total)
            if item.option == ord("s"):
                raise argument_error(1, "option 's' has no fixed size")
            if item.option == ord("c") and item.size == 0:
                raise argument_error(1, "option 'c0' has no fixed size")
            if not (item.option < 0x80 and chr(item.option).isalnum()):
                shape.control(item.option)
            total += item.size
        return float(total)

    library = library_table({"pack": pack, "unpack": unpack, "size": size_}, ORDER)
    state.globals.hash[b"struct"] = library
    return library


def _previous_size(values: list[Value], left: int) -> int:
    """The number read before, which is the length of the string that follows."""
    number = to_number(values[-1]) if values else None
    if number is None:
        raise library_error("format 'c0' needs a previous size")
    size = to_word(number)
    values.pop()
    if size > left:
        raise argument_error(2, "data string too short")
    return size


def _integer_bytes(number: float, item: Item) -> bytes:
    value = to_word(number) & (1 << 8 * item.size) - 1
    return value.to_bytes(item.size, "big" if item.is_big else "little")


def _integer_from(data: bytes, item: Item) -> float:
    value = int.from_bytes(data, "big" if item.is_big else "little") & WORD
    if not chr(item.option).islower():
        return float(value)
    # A shift by more than 63 bits is one by what is left of it modulo 64.
    mask = WORD << (8 * item.size - 1 & 63) & WORD
    if value & mask:
        value |= mask
    return float(value - (1 << 64) if value >> 63 else value)


def _float_bytes(number: float, item: Item) -> bytes:
    order = ">" if item.is_big else "<"
    if item.option == ord("d"):
        return struct.pack(order + "d", number)
    try:
        return struct.pack(order + "f", number)
    except OverflowError:
        return struct.pack(order + "f", copysign(inf, number))


def _float_from(data: bytes, item: Item) -> float:
    (number,) = struct.unpack((">" if item.is_big else "<") + chr(item.option), data)
    return float(number)
