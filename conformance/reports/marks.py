"""Where two replies differ, to the byte: what every report marks.

The rule of this file: marking never loses anything that differs. What is equal may be left out of a long reply,
with the number of bytes that were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from conformance.results import Answer, Line

LONGEST_ALIGNED: Final = 4000
"""Bytes beyond which two replies are not aligned within what differs (aligning takes quadratic time)."""

ISLAND: Final = 3
"""Equal bytes that stay unmarked between two that differ: fewer are there by chance."""

CONTEXT: Final = 48
"""Equal bytes that are kept on each side of a difference."""

UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Characters that show nothing, that turn or recolour the text around them, or that XML and HTML forbid."""

SHORT: Final = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x5C: "\\\\"}


@dataclass(frozen=True)
class Span:
    """A stretch of a reply as it is shown. *left_out*: so many equal bytes are not shown there, and *text* is empty."""

    text: str
    differs: bool = False
    left_out: int = 0


Marked = list[Span]


def printable(text: str) -> str:
    """The text, which may hold what a server sent, as it may be shown: ``\\xHH`` and ``\\uHHHH`` for what may not."""
    return UNPRINTABLE.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def escaped(data: bytes) -> str:
    """The bytes in printable ASCII, one way to read each text: ``\\r\\n`` and ``\\xHH`` for what cannot be printed."""
    return "".join(SHORT.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}") for byte in data)


def marked(line: Line) -> tuple[Marked, Marked]:
    """What the reference and the target answered at a step that differs, with what differs marked."""
    left, right = _bytes(line.reference), _bytes(line.target)
    spans: tuple[list[tuple[bytes, bool]], list[tuple[bytes, bool]]] = ([], [])
    for ours, theirs, same in _aligned(left, right):
        for side, part in zip(spans, (ours, theirs), strict=True):
            if part:
                side.append((part, not same))
    return _condensed(spans[0]), _condensed(spans[1])


def _bytes(answer: Answer) -> bytes:
    return answer.raw if answer.raw is not None else answer.shown.encode(errors="backslashreplace")


def _aligned(left: bytes, right: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Both, cut into the same stretches: equal ones, and ones that differ."""
    shorter = min(len(left), len(right))
    start = next((at for at in range(shorter) if left[at] != right[at]), shorter)
    rest = shorter - start
    end = next((at for at in range(rest) if left[-1 - at] != right[-1 - at]), rest)
    yield left[:start], right[:start], True
    ours, theirs = left[start : len(left) - end], right[start : len(right) - end]
    yield from _aligned_middle(ours, theirs)
    yield left[len(left) - end :], right[len(right) - end :], True


def _aligned_middle(ours: bytes, theirs: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    longer = max(len(ours), len(theirs))
    if longer <= LONGEST_ALIGNED:
        cuts = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
        parts = [(ours[i:j], theirs[k:m], tag == "equal" and _is_island(ours[i:j])) for tag, i, j, k, m in cuts]
        # Bytes that two different texts have in common by chance would only tear the marks apart.
        if 2 * sum(len(part) for part, _, same in parts if same) >= longer:
            yield from parts
            return
    yield ours, theirs, False


def _is_island(equal: bytes) -> bool:
    return len(equal) >= ISLAND or equal == b"\r\n"


def _condensed(parts: list[tuple[bytes, bool]]) -> Marked:
    spans: Marked = []
    for data, differs in _joined(parts):
        if differs or len(data) <= 3 * CONTEXT:
            spans.append(Span(escaped(data), differs))
            continue
        spans += [
            Span(escaped(data[:CONTEXT])),
            Span("", left_out=len(data) - 2 * CONTEXT),
            Span(escaped(data[-CONTEXT:])),
        ]
    return spans


def _joined(parts: list[tuple[bytes, bool]]) -> Iterator[tuple[bytes, bool]]:
    """Neighbours of one kind as one."""
    at = 0
    while at < len(parts):
        data, differs = parts[at]
        at += 1
        while at < len(parts) and parts[at][1] == differs:
            data += parts[at][0]
            at += 1
        yield data, differs
