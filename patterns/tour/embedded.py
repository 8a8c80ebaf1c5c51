"""A miniredis as the stage: nothing to install, and hours pass at once.

The rule of this file: it alone knows miniredis. Nothing but the command line asks for it, when no server was named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from miniredis import MiniRedis
from patterns.tour.stage import Stage


class EmbeddedStage(Stage):
    """A server in this process, which others can reach as well while the tour runs."""

    moves_time = True

    def __init__(self) -> None:
        self._server = MiniRedis(seed=1).start()
        super().__init__(self._server.url, prefix="")

    @property
    def description(self) -> str:
        """What and where the server is."""
        return f"on a miniredis at {self.url}, whose clock is moved by hand"

    def advance(self, seconds: float) -> None:
        """Let time pass for the server, a little more than so much."""
        self._server.clock.advance(seconds + 0.001)

    def beats(self, number: int, interval: float, align: float | None = None) -> Iterator[int]:
        """Moments at equal intervals, the first where the server's clock is a multiple of *align*."""
        clock = self._server.clock
        with clock.freeze():
            if align is not None:
                clock.set(math.ceil(clock.time() / align) * align)
            for beat in range(number):
                yield beat
                clock.advance(interval)

    @property
    def timer(self) -> Callable[[], float]:
        """The server's own clock."""
        return self._server.clock.time

    def close(self) -> None:
        """Stop the server."""
        super().close()
        self._server.stop()
