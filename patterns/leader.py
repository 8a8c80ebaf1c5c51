"""Leader election: one of many processes does what only one should do, and another takes over when it dies.

**The problem.** A scheduler that runs in every replica runs everything several times. The usual election is a key
with an expiry that each process renews by its own clock, without noticing that it was replaced.

**The guarantee.** That of a lock (:mod:`patterns.lock`): no two terms overlap by the primary's clock, the term's
number rises with each, a leader that loses its lease is told by ``on_lost``, and candidates are woken when the leader
resigns. Anybody can ask who leads.

**The price.** One round trip per third of ``ttl`` for the leader; a candidate keeps one connection. When a leader
dies, nobody leads for up to ``ttl``.

**Not** for two leaders never to act at once: a paused leader may act late. Send the term along (``lease.fence``), and
let what it acts on refuse a lower one.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
from collections.abc import Callable
from typing import Any

from patterns.durations import Duration
from patterns.lease import L, Lease
from patterns.lock import LockOperations
from patterns.pattern import Blocking, operation
from patterns.steps import Command, Steps


class LeaderOperations(LockOperations[L]):
    """``with Leader(client, "scheduler") as term: ...``: the block begins when this process is elected."""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        ttl: Duration = 10,
        wait: Duration = math.inf,
        on_lost: Callable[[Any], Any] | None = None,
        identity: str | None = None,
        prefix: str = "leader:",
    ) -> None:
        super().__init__(client, name, ttl=ttl, renew=True, wait=wait, on_lost=on_lost, prefix=prefix)
        self.identity = f"{socket.gethostname()}:{os.getpid()}" if identity is None else identity
        """What others are told who ask who leads."""

    def _new_token(self) -> str:
        return f"{secrets.token_hex(16)} {self.identity}"

    @operation
    def leader(self) -> Steps[str | None]:
        """The identity of the one who leads now, or None."""
        held: bytes | None = yield Command("GET", self._key)
        return None if held is None else held.decode().split(" ", 2)[2]


class Leader(LeaderOperations[Lease], Blocking):
    __doc__ = LeaderOperations.__doc__
    _lease = Lease
