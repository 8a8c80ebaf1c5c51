"""Redis's quoted form of a string (``sdscatrepr``), as MONITOR and logs show it."""

from __future__ import annotations

from typing import Final

_ESCAPES: Final = {
    ord("\\"): b"\\\\",
    ord('"'): b'\\"',
    ord("\n"): b"\\n",
    ord("\r"): b"\\r",
    ord("\t"): b"\\t",
    ord("\a"): b"\\a",
    ord("\b"): b"\\b",
}
_QUOTED: Final = tuple(
    _ESCAPES.get(byte) or (bytes([byte]) if 32 <= byte < 127 else b"\\x%02x" % byte) for byte in range(256)
)


def quote(text: bytes) -> bytes:
    """*text* in double quotes, with everything unprintable escaped."""
    return b'"' + b"".join([_QUOTED[byte] for byte in text]) + b'"'
