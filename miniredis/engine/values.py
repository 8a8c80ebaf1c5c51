"""What a key can hold, and how Redis names it.

A collection is an object of its structure (``Hash``, ``List``, ``Set``, ``SortedSet``, …) with a ``type_name`` and an
``encoding``. A string is a plain Python value whose class says how Redis would encode it:

=============  ==============================================================================================
class          encoding
=============  ==============================================================================================
``bytes``      as it was SET: ``int`` if it is the canonical form of a 64-bit integer, else by its length
``int``        ``int``, as INCR leaves it
`PlainString`  never ``int``: by its length (INCRBYFLOAT does not re-encode its result)
``bytearray``  ``raw``, whatever its length: a string that APPEND or SETRANGE has changed in place
=============  ==============================================================================================
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from miniredis.structures.numbers import parse_integer


class PlainString(bytes):
    """A string value that is not looked at as an integer for its encoding."""

    __slots__ = ()


StringValue: TypeAlias = bytes | int | bytearray
Value: TypeAlias = Any
"""A :data:`StringValue` or a collection."""

EMBEDDED_STRING_LIMIT: Final = 44
"""The longest string, in bytes, that Redis keeps in one allocation with its object header (``embstr``)."""


def is_string(value: Value) -> bool:
    """Whether *value* is a :data:`StringValue`, and no collection."""
    return isinstance(value, (bytes, int, bytearray))


def string_bytes(value: StringValue) -> bytes:
    """The bytes that a string value stands for."""
    if isinstance(value, int):
        return b"%d" % value
    return bytes(value)


def type_name(value: Value) -> bytes:
    """The name that TYPE gives: ``string``, ``list``, ``set``, ``zset``, ``hash``, …"""
    if is_string(value):
        return b"string"
    name: bytes = value.type_name
    return name


def encoding(value: Value, embedded_limit: int = EMBEDDED_STRING_LIMIT) -> str:
    """The name that OBJECT ENCODING gives; a string of up to *embedded_limit* bytes is ``embstr``."""
    if isinstance(value, int):
        return "int"
    if isinstance(value, bytearray):
        return "raw"
    if isinstance(value, bytes):
        if not isinstance(value, PlainString) and len(value) <= 20 and parse_integer(value) is not None:
            return "int"
        return "embstr" if len(value) <= embedded_limit else "raw"
    name: str = value.encoding
    return name


def copy_value(value: Value) -> Value:
    """A copy that shares nothing that can change."""
    if isinstance(value, (bytes, int)):
        return value
    if isinstance(value, bytearray):
        return bytearray(value)
    return value.copy()
