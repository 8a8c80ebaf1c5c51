"""What a server died of: the shortest list of commands after which it is gone, found by letting it die again.

Only for a target that is ours to start again. The commands are sent to it alone: what kills a target may well kill its
reference too, which proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from conformance.pair import Pair
from conformance.remote import empty
from conformance.servers import ServerError
from conformance.shrink import Argv, shrink
from miniredis.resp import ProtocolError

LONGEST: Final = 30.0
"""Seconds after which what has been found so far is short enough."""


def fatal_part(pair: Pair, commands: Sequence[Argv], protocol: int, *, seconds: float = LONGEST) -> list[Argv]:
    """The part of *commands*, sent at once on one connection, that the target dies of; all of them if it does not."""
    end = time.monotonic() + seconds

    def kills(part: Sequence[Argv]) -> bool:
        if time.monotonic() > end:
            return False
        with suppress(OSError, ProtocolError), pair.target.connect() as wire:
            empty(wire)
            wire.pipeline([("HELLO", protocol), *part])
        if pair.target.answers():
            return False
        pair.revive()
        return True

    with suppress(ServerError):
        if kills(commands):
            return shrink(commands, kills)
    return list(commands)
