"""What a script or a function says of itself: that it does not write, that it may be run without memory, and so on."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from miniredis.engine.record import record

ENGINE_NAME: Final = b"LUA"
"""What libraries of functions call the language that they are written in."""

FLAGS: Final = (b"no-writes", b"allow-oom", b"allow-stale", b"no-cluster", b"allow-cross-slot-keys")
"""Every flag, in the order of FUNCTION LIST."""


@record
class ScriptFlags:
    """The flags of a script or function. ``is_compatible`` is one that says nothing, and is found out as it goes."""

    is_compatible: bool = False
    no_writes: bool = False
    allow_oom: bool = False
    allow_stale: bool = False
    no_cluster: bool = False
    allow_cross_slot_keys: bool = False

    @classmethod
    def from_names(cls, names: Set[bytes]) -> ScriptFlags:
        """The flags called *names*, all of :data:`FLAGS`."""
        return cls(False, *(flag in names for flag in FLAGS))


COMPATIBLE: Final = ScriptFlags(is_compatible=True)


def line_end(code: bytes) -> int:
    """Where the first line of *code* ends; -1 where C, to which a NUL is the end of all, finds no end of it."""
    end = code.find(b"\n")
    return end if b"\0" not in code[: max(end, 0)] else -1
