"""Inline requests: a typed line, split into arguments as ``sdssplitargs`` does.

The rule of this file: arguments are separated by blanks, and a part of one may stand in quotes, where blanks are
ordinary. In double quotes a backslash escapes (``\\n \\r \\t \\b \\a \\xHH``; before any other character it just
vanishes), in single quotes only ``\\'`` is special. A closing quote ends its argument: anything but a blank behind it
makes the line invalid. In Valkey 9 (*quotes_join*) the argument goes on behind it, as in a shell.

Two kinds of blank, as in C: ``isspace`` (with VT and FF) skips to an argument's start and may follow a closing quote,
but only space, tab, CR and LF end an argument without quotes.
"""

from __future__ import annotations

from typing import Final

_SPACES: Final = b" \t\n\r\v\f"
_SEPARATORS: Final = b" \t\n\r"
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
_ESCAPES: Final = {ord("n"): b"\n", ord("r"): b"\r", ord("t"): b"\t", ord("b"): b"\b", ord("a"): b"\a"}
_NEEDS_CARE: Final = frozenset(b"\"'\v\f")


def split_arguments(line: bytes, *, quotes_join: bool = False) -> list[bytes] | None:
    """The arguments of ``line`` (given without its line end), or None if its quotes are unbalanced."""
    if _NEEDS_CARE.isdisjoint(line):
        return line.split()
    argv: list[bytes] = []
    position = 0
    while True:
        while position < len(line) and line[position] in _SPACES:
            position += 1
        if position == len(line):
            return argv
        argument = bytearray()
        end = _read_argument(line, position, argument, quotes_join)
        if end is None:
            return None
        argv.append(bytes(argument))
        position = end


def _read_argument(line: bytes, position: int, argument: bytearray, quotes_join: bool) -> int | None:
    """Append the argument at ``position``; the position behind it, or None for unbalanced quotes."""
    while position < len(line) and line[position] not in _SEPARATORS:
        read_quoted = _QUOTES.get(line[position])
        if read_quoted is None:
            argument.append(line[position])
            position += 1
            continue
        end = read_quoted(line, position + 1, argument)
        if end is None:
            return None
        if not quotes_join:
            return end if end == len(line) or line[end] in _SPACES else None
        position = end
    return position


def _read_double_quoted(line: bytes, position: int, argument: bytearray) -> int | None:
    """Append what stands up to the closing quote; the position behind that, or None if there is none."""
    while position < len(line):
        character = line[position]
        digits = line[position + 2 : position + 4]
        if character == ord('"'):
            return position + 1
        if character == ord("\\") and position + 1 < len(line):
            if line[position + 1] == ord("x") and len(digits) == 2 and all(digit in _HEX_DIGITS for digit in digits):
                argument.append(int(digits, 16))
                position += 4
            else:
                argument += _ESCAPES.get(line[position + 1], line[position + 1 : position + 2])
                position += 2
        else:
            argument.append(character)
            position += 1
    return None


def _read_single_quoted(line: bytes, position: int, argument: bytearray) -> int | None:
    """Append what stands up to the closing quote; the position behind that, or None if there is none."""
    while position < len(line):
        character = line[position]
        if character == ord("'"):
            return position + 1
        if line.startswith(b"\\'", position):
            argument += b"'"
            position += 2
        else:
            argument.append(character)
            position += 1
    return None


_QUOTES: Final = {ord('"'): _read_double_quoted, ord("'"): _read_single_quoted}
"""How the text between each kind of quotes is read."""
