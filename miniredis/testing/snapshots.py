"""Rolling back: all keys and functions as they were.

::

    with server.snapshot():
        test()                              # whatever it does to the data, it is undone

    before = server.snapshot()
    ...
    server.restore(before)

It belongs to a snapshot what an RDB file would hold: keys with their times to live and last accesses, and libraries of
functions. Scripts stay (they are a cache, and clients count on it), and so do clients, subscriptions and the
configuration, which are the server and not its data. Times to live end when they would have ended: time is not rolled
back. Replicas that are attached are not told.

The rule of this file: it only knows where and when; :mod:`miniredis.engine.copy_on_write` knows how.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from miniredis.engine.copy_on_write import Snapshot as Content

if TYPE_CHECKING:
    from miniredis.testing.instruments import Instruments


class Snapshot:
    """What one server held when this was made. ``content`` is that, ``taken_at`` the millisecond."""

    def __init__(self, server: Instruments) -> None:
        self._server = server
        self.content: Content
        self.taken_at = 0
        server.call(self._take)

    def _take(self) -> None:
        engine = self._server.engine
        engine.run_due()
        self.taken_at = engine.now
        self.content = Content(engine)

    def restore(self) -> None:
        """Have it all back; see :meth:`Instruments.restore`."""
        self._server.call(self.content.restore, self._server.engine)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.restore()
