"""CLIENT PAUSE: commands that are held back until the pause ends, then run in the order they came.

They run in the engine's next turn (:meth:`Engine.run_due`), never inside the command that ends the pause: it may stand
in the middle of somebody's transaction.

``DEBUG SLEEP`` is a pause too: the engine never sleeps, so a server that hangs is one that answers nobody for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniredis.engine.blocking import Blocked
from miniredis.engine.timers import Timer

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command


class Pause:
    """The pause of one engine. ``until`` is its end in milliseconds since the epoch, 0 when there is none.

    ``hangs`` is whether it is one in which nothing happens at all: blocked clients, too, are served after it.
    """

    __slots__ = ("_engine", "_postponed", "_timer", "hangs", "until", "writes_only")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._postponed: dict[Blocked, list[bytes]] = {}
        self._timer: Timer | None = None
        self.until = 0
        self.writes_only = False
        self.hangs = False

    @property
    def active(self) -> bool:
        """Whether there is a pause now."""
        return bool(self.until)

    def begin(self, until: int, *, writes_only: bool) -> None:
        """Pause until the millisecond *until*. A pause in force is never shortened, nor weakened to writes only."""
        if self.active:
            writes_only = writes_only and self.writes_only
            until = max(until, self.until)
        if until <= self._engine.now:
            return
        self.until, self.writes_only = until, writes_only
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._engine.timers.call_at(until, self.end)
        self._engine.update_gate()

    def hang(self, until: int) -> None:
        """Hold everything back until the millisecond *until*, then return to the pause that was in force, if any."""
        before, writes_only = self.until, self.writes_only
        if self._timer is not None:
            self._timer.cancel()
        self.until, self.writes_only, self.hangs = until, False, True
        self._timer = self._engine.timers.call_at(until, lambda: self._recover(before, writes_only))
        self._engine.update_gate()

    def wake(self) -> None:
        """End what :meth:`hang` began, before its time."""
        timer = self._timer
        if self.hangs and timer is not None and timer.callback is not None:
            recover = timer.callback
            timer.cancel()
            recover()

    def _recover(self, before: int, writes_only: bool) -> None:
        """End what :meth:`hang` began; what the pause *before* holds back is postponed anew."""
        self.hangs = False
        self._engine.blocked_clients.time_out_overdue()
        if before <= self._engine.now:
            self.end()
        else:
            self.until, self.writes_only = before, writes_only
            self._timer = self._engine.timers.call_at(before, self.end)
            self._resume_soon()
        if self._engine.blocked_clients.has_ready():
            self._engine.blocked_clients.serve()

    def end(self) -> None:
        """End the pause and run what was held back."""
        if not self.active:
            return
        self.until, self.hangs = 0, False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._engine.update_gate()
        self._engine.announce_due()  # keys expire again
        self._resume_soon()

    def _resume_soon(self) -> None:
        if self._postponed:
            self._engine.timers.call_at(self._engine.now, self._resume_all)

    def _resume_all(self) -> None:
        postponed, self._postponed = self._postponed, {}
        for blocked, argv in postponed.items():
            if not blocked.done:
                self._resume(blocked, argv)

    def holds(self, session: Session, command: Command) -> bool:
        """Whether *command* has to wait."""
        if not self.active:
            return False
        if not self.writes_only or command.is_write or command.may_replicate:
            return True
        transaction = session.transaction
        return command.name == "exec" and transaction is not None and transaction.writes

    def postpone(self, session: Session, argv: list[bytes]) -> Blocked:
        """Hold *argv* back until the pause ends."""
        blocked = Blocked(session, "postponed")
        self._postponed[blocked] = argv
        return self._engine.blocked_clients.block(blocked, 0)

    def __contains__(self, blocked: Blocked) -> bool:
        """Whether *blocked* is a command that is held back."""
        return blocked in self._postponed

    def forget(self, blocked: Blocked) -> None:
        """Hold *blocked* back no longer, nor run it: its client is gone."""
        self._postponed.pop(blocked, None)

    def _resume(self, blocked: Blocked, argv: list[bytes]) -> None:
        """Run a postponed command; if it blocks in its turn, its reply becomes that of the postponed one."""
        clients = self._engine.blocked_clients
        clients.detach(blocked)
        reply = self._engine.execute(blocked.session, argv)
        if isinstance(reply, Blocked):
            reply.on_done = lambda late: clients.hand_over(blocked, late)
        else:
            clients.hand_over(blocked, reply)
