"""The stack of a script as text, as ``debug.traceback`` and the interpreter show it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Final

from miniredis.lua.compiler import MAIN
from miniredis.lua.positions import BOUNDARY, CHUNK, chunk_id, levels, levels_among, name_called_at

HEAD: Final = 12
TAIL: Final = 10
"""Where what is between is left out: so many levels are shown at the end, and at the beginning those below level 12."""

Level = tuple[FrameType, int, int] | None
"""A frame, the instruction and the line of Python that it is at; None for one that a tail call has given up."""


def running(skipped: int, handled: TracebackType | None = None) -> list[Level]:
    """The levels of the running script, the innermost first, without so many of them.

    A handler of ``xpcall`` runs here when the stack of the error is gone, and in PUC's Lua on top of it: so that of
    what is *handled* is put back between both.
    """
    frames = list(levels(sys._getframe(1)))
    stack: list[Level] = [None if frame is None else (frame, frame.f_lasti, frame.f_lineno) for frame in frames]
    if handled is not None and handled.tb_frame in frames:
        at = frames.index(handled.tb_frame)
        stack[at : at + 1] = left_behind(handled)
    return stack[skipped:]


def left_behind(traceback: TracebackType | None) -> list[Level]:
    """The levels at which an exception was raised, the innermost first."""
    places: dict[FrameType, tuple[int, int]] = {}
    while traceback is not None and traceback.tb_frame.f_code not in BOUNDARY:
        places[traceback.tb_frame] = traceback.tb_lasti, traceback.tb_lineno
        traceback = traceback.tb_next
    found = levels_among(reversed(places))
    return [None if frame is None else (frame, *places[frame]) for frame in found]


def described(stack: Sequence[Level], first: int) -> bytes:
    """The levels of *stack*, of which the innermost has the number *first*, as lines under their heading.

    The lowest is the interpreter itself.
    """
    lines = [_line(level, stack[number + 1 : number + 2]) for number, level in enumerate(stack)]
    lines.append(b"\n\t[C]: ?")
    head = max(HEAD - first, 0)
    if len(lines) > head + 1 + TAIL:
        lines[head:-TAIL] = [b"\n\t..."]
    return b"stack traceback:" + b"".join(lines)


def _line(level: Level, callers: Sequence[Level]) -> bytes:
    if level is None:
        return b"\n\t(tail call): ?"
    frame, _, line = level
    chunk = frame.f_globals.get(CHUNK)
    caller = callers[0] if callers else None
    name = b"?" if caller is None else name_called_at(*caller[:2])[1]
    if chunk is None:
        return b"\n\t[C]: " + (b"?" if name == b"?" else b"in function '%b'" % name)
    source = chunk_id(chunk.name)
    if frame.f_code.co_name == MAIN:
        what = b"main chunk"
    elif name != b"?":
        what = b"function '%b'" % name
    else:
        what = b"function <%b:%d>" % (source, defined_at(frame))
    return b"\n\t%b:%d: in %b" % (source, chunk.origins[line] if line < len(chunk.origins) else 0, what)


def defined_at(frame: FrameType) -> int:
    """The line of Lua on which the function of a frame begins."""
    origins: list[int] = frame.f_globals[CHUNK].origins
    return origins[frame.f_code.co_firstlineno]
