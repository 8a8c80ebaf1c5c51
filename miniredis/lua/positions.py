"""Where a running script is, found in Python's own stack when somebody asks: for error messages, and nobody else.

A frame of compiled code has the chunk among its globals. A frame of a library function is known by its code, which
``library_function`` has noted. All other frames are how this Lua works inside, and stand for nothing in Lua.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from types import CodeType, FrameType, TracebackType
from typing import Any, Final, TypeVar

LIBRARY_CODE: Final[set[CodeType]] = set()
CHUNK: Final = "lua_chunk"
"""The name of a chunk among the globals of its compiled code."""

BOUNDARY: Final[set[CodeType]] = set()
"""The code at which one coroutine's stack ends and another's begins; it stands for nothing in Lua itself."""

TRAMPOLINES: Final[set[CodeType]] = set()
"""The code of loops that make tail calls; their local variable ``lost`` counts the callers that are no more."""

MOST_LOST: Final = 1000
"""So many lost callers are told of at once."""

MAXIMUM_ID: Final = 60
"""Bytes of a chunk's name in messages, with the NUL that C needs."""

MAXIMUM_ID_IN_SYNTAX_ERRORS: Final = 80

_TAIL: Final = re.compile(r"\s*return \(\(?")
_CALLED: Final = re.compile(r"\(*(?P<kind>c|m|l)_(?P<name>\w+)_\d+\b")

F = TypeVar("F", bound=Callable[..., Any])


def library_function(function: F) -> F:
    """Mark a function that scripts can call: a level of its own in Lua's stack."""
    LIBRARY_CODE.add(function.__code__)
    return function


def levels(frame: FrameType | None) -> Iterator[FrameType | None]:
    """The frames that are functions in Lua, the innermost first, to the beginning of the coroutine.

    None stands for one that has given up its place by a tail call.
    """
    return levels_among(_outwards(frame))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def levels_among(frames: Iterable[FrameType]) -> Iterator[FrameType | None]:
    """As :func:`levels`, of these *frames*, the innermost first."""
    can_be_tail_called = False
    for frame in frames:
        if CHUNK in frame.f_globals and frame.f_code.co_name != "<module>":
            yield None if can_be_tail_called and _is_at_tail_call(frame) else frame
            can_be_tail_called = True
        elif frame.f_code in LIBRARY_CODE:
            yield frame
            can_be_tail_called = False
        elif frame.f_code in TRAMPOLINES:
            yield from repeat(None, min(frame.f_locals["lost"], MOST_LOST))
        elif frame.f_code in BOUNDARY:
            return


def _is_at_tail_call(frame: FrameType) -> bool:
    """Whether a frame of compiled code is making a call whose values it returns as they are."""
    before, text, after = _called_text(frame, frame.f_lasti)
    return _TAIL.fullmatch(before) is not None and after.strip("()") == "" and _CALLED.match(text) is not None


def where(level: int) -> bytes:
    """The position of the function on that *level*, as ``luaL_where`` gives it; 0 is the innermost function.

    Nothing where that is no function of Lua, or there is no such level.
    """
    for number, frame in enumerate(levels(sys._getframe(1))):
        if number == level:
            return b"" if frame is None else position(frame)
    return b""


def position(frame: FrameType) -> bytes:
    """``name:line: `` for a frame of compiled code, nothing for another."""
    chunk = frame.f_globals.get(CHUNK)
    return b"" if chunk is None else b"%b:%d: " % (chunk_id(chunk.name), line_of(frame))


def line_of(frame: FrameType) -> int:
    """The line of Lua at which a frame of compiled code is."""
    origins: list[int] = frame.f_globals[CHUNK].origins
    return origins[frame.f_lineno] if frame.f_lineno < len(origins) else 0


def raised_at(traceback: TracebackType | None) -> tuple[bytes, float] | None:
    """The chunk and the line that an exception came from, as a handler of ``xpcall`` finds them in ``debug.getinfo``.

    Where a library function has raised it that is its caller, which may be a library function in its turn.
    """
    found: list[tuple[FrameType, int]] = []
    while traceback is not None:
        frame = traceback.tb_frame
        if CHUNK in frame.f_globals and frame.f_code.co_name != "<module>":
            found.append((frame, traceback.tb_lineno))
        elif frame.f_code in LIBRARY_CODE:
            found.append((frame, 0))
        elif frame.f_code in BOUNDARY:
            break
        traceback = traceback.tb_next
    if found and CHUNK not in found[-1][0].f_globals:
        found.pop()
    return _place(*found[-1]) if found else None


def caller_of_library() -> tuple[bytes, float] | None:
    """The chunk and the line from which the running library function was called.

    On a real server it is a function of Lua's, for which a tail call gives up its caller's place as well.
    """
    frames = levels(sys._getframe(1))
    next(frames, None)
    caller = next(frames, None)
    if caller is not None and CHUNK not in caller.f_globals:
        caller = next(frames, None)
    elif caller is not None and _is_at_tail_call(caller):
        return b"=(tail call)", -1.0
    return None if caller is None else _place(caller, caller.f_lineno)


def _place(frame: FrameType, line: int) -> tuple[bytes, float]:
    chunk = frame.f_globals.get(CHUNK)
    if chunk is None:
        return b"=[C]", -1.0
    return chunk.name, float(chunk.origins[line] if line < len(chunk.origins) else 0)


def called_name(level: int) -> tuple[str, bytes]:
    """How the function on that *level* was called: ``method`` or nothing, and its name; ``?`` if it has none."""
    frames = levels(sys._getframe(1))
    for _ in range(level + 1):
        next(frames, None)
    caller = next(frames, None)
    return ("", b"?") if caller is None else name_called_at(caller, caller.f_lasti)


def name_called_at(caller: FrameType, instruction: int) -> tuple[str, bytes]:
    """By which name the frame *caller* called a function with that instruction; as :func:`called_name`."""
    if CHUNK not in caller.f_globals:
        return "", b"?"
    _, text, _ = _called_text(caller, instruction)
    if text.startswith(("for ", "generic_for(")):  # which of them depends on the version of Python
        return "", b"(for generator)"
    match = _CALLED.match(text)
    if match is None or match["name"] == "_":
        return "", b"?"
    return "method" if match["kind"] == "m" else "", match["name"].encode()


def _called_text(caller: FrameType, instruction: int) -> tuple[str, str, str]:
    """The Python of the call that an instruction makes, between what stands in its lines before and behind it."""
    spots = list(caller.f_code.co_positions())
    line, last, column, end = spots[instruction // 2] if instruction // 2 < len(spots) else (None,) * 4
    if line is None or last is None or column is None:
        return "", "", ""
    whole: list[str] = caller.f_globals[CHUNK].text
    lines = [each.encode() for each in whole[line - 1 : last]]
    before, after = lines[0][:column].decode(errors="replace"), lines[-1][end:].decode(errors="replace")
    lines[-1] = lines[-1][:end]
    text = b"\n".join([lines[0][column:], *lines[1:]]).decode(errors="replace")
    if not before.strip() and line > 1:
        before = whole[line - 2]
    text = text.removeprefix("(").removeprefix("yield from ").lstrip("\n").removeprefix("resume(")
    return before, text, after


def chunk_id(name: bytes, most: int = MAXIMUM_ID) -> bytes:
    """How messages name a chunk: ``=name`` and ``@file`` as they are, a text by its first line. C ends it at a NUL.

    What is longer than *most* bytes is cut off.
    """
    name = name.partition(b"\0")[0]
    if name[:1] == b"=":
        return name[1:most]
    if name[:1] == b"@":
        file = name[1:]
        room = most - len(" '...' ") - 1
        return file if len(file) <= room else b"..." + file[-room:]
    line = re.split(rb"[\r\n]", name, maxsplit=1)[0]
    room = most - len(' [string "..."] ') - 1
    if len(line) > room or len(line) < len(name):
        return b'[string "%b..."]' % line[:room]
    return b'[string "%b"]' % line
