"""``string.format``: C's conversions with Lua's arguments."""

from __future__ import annotations

import re
from typing import Final

from miniredis.lua.arguments import argument_error, check_number, check_string, library_error, to_integer, to_word
from miniredis.lua.numbers import format_number
from miniredis.lua.values import Value

_SPECIFICATION: Final = re.compile(rb"(?P<flags>[-+ #0]*)(?P<width>[0-9]{0,2})(?P<precision>(?:\.[0-9]{0,2})?)")
SMALLEST_INT: Final = 1 << 31
"""What C makes of numbers that are no ``int``, but for the sign."""

_REPEATED: Final = 5
"""So many flags, and there must be one twice."""

_QUOTED: Final = {ord('"'): b'\\"', ord("\\"): b"\\\\", ord("\n"): b"\\\n", ord("\r"): b"\\r", 0: b"\\000"}


def format_string(template: bytes, arguments: tuple[Value, ...]) -> bytes:
    """*template* with *arguments* in it. Raises the errors of ``string.format``."""
    parts: list[bytes] = []
    at = used = 0
    while True:
        percent = template.find(b"%", at)
        if percent < 0:
            parts.append(template[at:])
            return b"".join(parts)
        parts.append(template[at:percent])
        at = percent + 1
        if template[at : at + 1] == b"%":
            parts.append(b"%")
            at += 1
            continue
        used += 1
        if used > len(arguments):
            raise argument_error(used + 1, "no value")
        match = _SPECIFICATION.match(template, at)
        assert match is not None
        if len(match["flags"]) > _REPEATED:
            raise library_error("invalid format (repeated flags)")
        at = match.end()
        if template[at : at + 1].isdigit():
            raise library_error("invalid format (width or precision too long)")
        parts.append(_convert(match, template[at : at + 1], arguments[used - 1], used + 1))
        at += 1


def _convert(match: re.Match[bytes], conversion: bytes, argument: Value, number: int) -> bytes:
    match conversion:
        case b"c":
            code = check_number(number, argument)
            text = bytes((int(code) & 0xFF if -SMALLEST_INT <= code < SMALLEST_INT else 0,))
            return _padded(text, match).partition(b"\0")[0]  # as far as C sees it
        case b"d" | b"i":
            return _integer(match, to_integer(check_number(number, argument)), b"d")
        case b"o" | b"u" | b"x" | b"X":
            value = to_word(check_number(number, argument))
            return _integer(match, value, conversion)
        case b"e" | b"E" | b"f" | b"g" | b"G":
            return _float(match, check_number(number, argument), conversion)
        case b"q":
            text = check_string(number, argument)
            return b'"' + b"".join(_QUOTED.get(byte) or bytes((byte,)) for byte in text) + b'"'
        case b"s":
            text = check_string(number, argument)
            if not match["precision"] and len(text) >= 100:
                return text
            text = text.partition(b"\0")[0]
            if match["precision"]:
                text = text[: int(match["precision"][1:] or 0)]
            return _padded(text, match)
    shown = conversion.replace(b"\0", b"").decode("latin-1")
    raise library_error(f"invalid option '%{shown}' to 'format'")


def _integer(match: re.Match[bytes], value: int, conversion: bytes) -> bytes:
    flags, precision = match["flags"], match["precision"]
    begins_with_zero = conversion == b"o" and b"#" in flags
    if begins_with_zero:
        digits = b"0%o" % value if value else b"0"
    else:
        digits = {b"d": b"%d", b"u": b"%d", b"o": b"%o", b"x": b"%x", b"X": b"%X"}[conversion] % abs(value)
    if precision:
        least = int(precision[1:] or 0)
        digits = b"" if least == value == 0 and not begins_with_zero else digits.rjust(least, b"0")
    sign = b"-" if value < 0 else b"+" if b"+" in flags else b" " if b" " in flags else b""
    if conversion != b"d":
        sign = b"0" + conversion if b"#" in flags and value and conversion in b"xX" else b""
    width = int(match["width"] or 0)
    if b"-" not in flags and b"0" in flags and not precision:
        return sign + digits.rjust(width - len(sign), b"0")
    return _padded(sign + digits, match)


def _float(match: re.Match[bytes], value: float, conversion: bytes) -> bytes:
    if value - value == 0.0:
        return bytes((b"%" + match[0] + conversion) % value)
    text = format_number(value)
    if text[:1] != b"-":
        text = (b"+" if b"+" in match["flags"] else b" " if b" " in match["flags"] else b"") + text
    return _padded(text.upper() if conversion.isupper() else text, match)


def _padded(text: bytes, match: re.Match[bytes]) -> bytes:
    width = int(match["width"] or 0)
    return text.ljust(width) if b"-" in match["flags"] else text.rjust(width)
