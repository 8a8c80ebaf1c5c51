"""How a value is stored: a byte for the format, how long it took to load, and what the codec made of it.

The rule of this file: what cannot be read is ``None`` here, and no value: another format, a foreign value, or another
codec must not break readers, but be loaded anew.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

from patterns.codecs import Codec

HEADER: Final = struct.Struct(">BI")
HEADER_SIZE: Final = HEADER.size
FORMAT: Final = 1
MOST: Final = 0xFFFFFFFF


@dataclass(slots=True)
class Stored:
    """A value as it was read."""

    value: Any
    load_seconds: float
    left_ms: float = 0.0
    """How long it is still fresh; less than 0 if it is stale."""


def seal(codec: Codec, value: Any, load_seconds: float) -> bytes:
    """The bytes to store."""
    return HEADER.pack(FORMAT, min(MOST, round(load_seconds * 1_000_000))) + codec.dumps(value)


def unseal(codec: Codec, data: bytes, left_ms: float = 0.0) -> Stored | None:
    """What was stored, and is fresh for so long, or ``None`` if this is nothing we know."""
    try:
        kind, load_microseconds = HEADER.unpack_from(data)
        if kind != FORMAT:
            return None
        return Stored(codec.loads(data[HEADER_SIZE:]), load_microseconds / 1_000_000, left_ms)
    except (ValueError, struct.error):
        return None
