"""The engine's timers on the event loop: one alarm, set for whatever is due first.

While the clock is frozen no alarm is set: whoever moves the clock fires what that makes due.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine

_LONGEST_SLEEP: Final = 86_400.0
"""Seconds. An event loop need not be able to sleep for the centuries that a key can live."""


class Wakeup:
    """Calls ``engine.run_due`` on *loop* when something is due, until ``stop()``."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop
        self._alarm: asyncio.TimerHandle | None = None
        engine.on_earlier = self._set_alarm
        self._set_next_alarm()

    def stop(self) -> None:
        """Let the engine rest."""
        self._engine.on_earlier = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _set_alarm(self, due: int) -> None:
        """Wake up at *due*, in milliseconds since the epoch, and not at the time that was set before."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        clock = self._engine.clock
        if not clock.frozen:
            delay = min(max((due * 1_000_000 - clock.ns()) / 1e9, 0.0), _LONGEST_SLEEP)
            self._alarm = self._loop.call_later(delay, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._engine.run_due()
        self._set_next_alarm()

    def _set_next_alarm(self) -> None:
        due = self._engine.next_due()
        if due is not None:
            self._set_alarm(due)
