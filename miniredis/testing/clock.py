"""Time in a test: stop the server's clock, move it, let it go.

Everything that reads time reads that one clock: TTLs, blocking timeouts, stream IDs, idle times. A move fires all that
falls due by it, in order, each at its own time; what clients are sent for it has been sent when the call returns. All
of it works from any thread, from synchronous and asynchronous code, and on a server that is not started.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniredis.testing.instruments import Instruments


class ServerClock:
    """The clock of a server. Times are in seconds since the Unix epoch, unless they are a ``datetime``."""

    def __init__(self, server: Instruments) -> None:
        self._server = server

    @property
    def frozen(self) -> bool:
        """Whether it stands until it is moved."""
        return self._server.engine.clock.frozen

    def time(self) -> float:
        """The server's time, in seconds since the Unix epoch."""
        return self._server.engine.clock.ns() / 1e9

    def now(self) -> datetime:
        """The server's time, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def freeze(self) -> Frozen:
        """Stop the clock at its present time, until :meth:`resume` or, in a ``with`` statement, for its block."""
        self._server.call(self._server.engine.clock.freeze)
        return Frozen(self.resume)

    def advance(self, seconds: float | timedelta) -> None:
        """Move the clock forward; frozen or flowing, it stays so. Raises ``ValueError`` for a negative time."""
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        self._server.call(self._server.engine.clock.advance, seconds)

    def set(self, when: float | datetime) -> None:
        """Put the clock at *when*; frozen or flowing, it stays so. It may go back: nothing that has happened is undone.

        Raises ``ValueError`` for a ``datetime`` without a time zone, which is another moment on every machine.
        """
        if isinstance(when, datetime):
            if when.tzinfo is None:
                raise ValueError(f"{when!r} has no time zone: say datetime(…, tzinfo=UTC)")
            when = when.timestamp()
        self._server.call(self._server.engine.clock.set, when)

    def resume(self) -> None:
        """Let a frozen clock flow again, from where it stands."""
        self._server.call(self._server.engine.clock.resume)


class Frozen:
    """What :meth:`ServerClock.freeze` returns: a clock that stands, if in a ``with`` block until its end."""

    def __init__(self, resume: Callable[[], None]) -> None:
        self._resume = resume

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resume()
