"""Keyspace notifications: the classes of events and their letters in ``notify-keyspace-events``."""

from __future__ import annotations

from typing import Final

NONE: Final = 0
"""The class of a change that nobody is told of by a notification."""

KEYSPACE: Final = 1 << 0
KEYEVENT: Final = 1 << 1
GENERIC: Final = 1 << 2
STRING: Final = 1 << 3
LIST: Final = 1 << 4
SET: Final = 1 << 5
HASH: Final = 1 << 6
ZSET: Final = 1 << 7
EXPIRED: Final = 1 << 8
EVICTED: Final = 1 << 9
STREAM: Final = 1 << 10
KEY_MISS: Final = 1 << 11
MODULE: Final = 1 << 13
NEW: Final = 1 << 14

ALL: Final = GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE
"""What the letter ``A`` stands for: neither key misses nor new keys."""

_LETTERS: Final = {
    "g": GENERIC,
    "$": STRING,
    "l": LIST,
    "s": SET,
    "h": HASH,
    "z": ZSET,
    "x": EXPIRED,
    "e": EVICTED,
    "K": KEYSPACE,
    "E": KEYEVENT,
    "t": STREAM,
    "m": KEY_MISS,
    "d": MODULE,
    "n": NEW,
}


def parse_event_classes(text: str) -> int | None:
    """The flags that *text* stands for; None when it has an unknown letter."""
    flags = 0
    for letter in text:
        if letter == "A":
            flags |= ALL
        elif letter in _LETTERS:
            flags |= _LETTERS[letter]
        else:
            return None
    return flags


def format_event_classes(flags: int) -> str:
    """*flags* in letters, as ``CONFIG GET notify-keyspace-events`` shows them."""
    text = ""
    if flags & ALL == ALL:
        text += "A"
    else:
        text += "".join(letter for letter in "g$lshzxetd" if flags & _LETTERS[letter])
        text += "n" if flags & NEW else ""
    text += "K" if flags & KEYSPACE else ""
    text += "E" if flags & KEYEVENT else ""
    text += "m" if flags & KEY_MISS else ""
    return text
