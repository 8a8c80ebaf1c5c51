"""How long one blocking command may last.

The rule of this file: a wait is a slice, after which the waiter looks for itself, since a wake-up can be lost. A
slice is shorter than the client's socket timeout, or the client would take a quiet server for a dead one.
"""

from __future__ import annotations

from typing import Any, Final

LONGEST_MS: Final = 1000

LATE_MS: Final = 100
"""A server answers so much later than asked, for it looks ten times a second whose time is over (``hz``)."""


def slice_ms(client: Any) -> int:
    """The milliseconds for one blocking command: a second at most, and half of what a client's socket timeout leaves.

    A client of even less patience gives up before the server answers: whoever waits takes that for a slice, too.
    """
    owner = getattr(client, "connection_pool", None) or getattr(client, "nodes_manager", None) or client
    timeout = getattr(owner, "connection_kwargs", {}).get("socket_timeout")
    return LONGEST_MS if timeout is None else max(1, min(LONGEST_MS, int(timeout * 1000 - LATE_MS) // 2))
