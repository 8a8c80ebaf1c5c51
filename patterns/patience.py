"""How long one blocking command may last.

The rule of this file: a wait is a slice, after which the waiter looks for itself, since a wake-up can be lost. A
slice is shorter than the client's socket timeout, or the client would take a quiet server for a dead one.
"""

from __future__ import annotations

from typing import Any, Final

LONGEST_MS: Final = 1000


def slice_ms(client: Any) -> int:
    """The milliseconds for one blocking command: half of the client's socket timeout, a second at most."""
    owner = getattr(client, "connection_pool", None) or getattr(client, "nodes_manager", None) or client
    timeout = getattr(owner, "connection_kwargs", {}).get("socket_timeout")
    return LONGEST_MS if timeout is None else max(1, min(LONGEST_MS, int(timeout * 500)))
