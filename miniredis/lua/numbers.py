"""Numbers as text: how Lua 5.1 reads and writes them, by C's ``strtod`` and ``%.14g``."""

from __future__ import annotations

import re
from math import copysign, inf, nan
from typing import Final

_DECIMAL: Final = re.compile(
    rb"[ \t\n\v\f\r]*(?P<sign>[+-]?)(?:"
    rb"(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rb"|0[xX](?P<hexadecimal>(?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?)"
    rb"|(?P<word>[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN](?:\([A-Za-z0-9_]*\))?)"
    rb")[ \t\n\v\f\r]*(?:\x00.*)?",
    re.DOTALL,
)


def parse_number(text: bytes) -> float | None:
    """The number that *text* is, blanks around it allowed; None if it is anything else.

    Decimal, hexadecimal (also with fraction and binary exponent), ``inf`` and ``nan``, as C99's ``strtod`` reads them.
    A NUL ends the text, as it does in C.
    """
    if text.replace(b".", b"", 1).isdigit():
        return float(text)  # nearly all of them
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    negative = match["sign"] == b"-"
    if match["decimal"] is not None:
        value = float(match["decimal"])
    elif match["hexadecimal"] is not None:
        try:
            value = float.fromhex("0x" + match["hexadecimal"].decode("ascii"))
        except OverflowError:
            value = inf
    else:
        value = inf if match["word"][:1] in b"iI" else nan
    return -value if negative else value


def format_number(number: float) -> bytes:
    """*number* as ``tostring`` writes it: ``%.14g``; a NaN with its sign, as glibc prints it."""
    if number - number == 0.0:
        return b"%.14g" % number
    sign = b"-" if copysign(1.0, number) < 0 else b""
    return sign + (b"inf" if number == number else b"nan")
