"""One client in this process: what a connection is to a server with sockets.

The rule of this file: replies are left as they are, typed, in the order in which they would be sent. Whoever reads them
makes of them what he wants. While the client's last command blocks, what it sends is held.

Everything here happens on the engine's thread or with its lock held, but for ``inbox``, ``closed`` and ``wake``: those
the reader uses as well, from wherever he is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

from miniredis.engine.blocking import Blocked
from miniredis.resp.types import Error, Replies, Reply

if TYPE_CHECKING:
    from concurrent.futures import Future

    from miniredis.embedded.driver import Driver

UNUSUAL: Final = frozenset({Blocked, Replies})
"""Classes of replies that are not put into the inbox as they are."""

SLICE: Final = 128
"""So many requests of a pipeline are executed before others may come in between."""

BATCHES: Final = count(1)
"""Numbers for requests that are sent at once."""

TOO_MANY: Final = Error("ERR max number of clients reached")


class Line:
    """A session of *driver*'s engine.

    Attributes:
        driver: who lets it in to the engine.
        inbox: replies and pushed messages that nobody has read yet.
        closed: whether nothing will come any more.
        wake: what to call when something has come; None if nobody waits for it. Set it, then look into the inbox.
    """

    __slots__ = ("_blocked", "_execute", "_held", "closed", "driver", "inbox", "session", "wake")

    def __init__(self, driver: Driver) -> None:
        engine = driver.engine
        self.driver = driver
        self._blocked: Blocked | None = None
        self._held: deque[tuple[list[bytes], int]] = deque()
        self._execute = engine.execute
        self.inbox: deque[Reply] = deque()
        self.closed = False
        self.wake: Callable[[], None] | None = None
        is_full = len(engine.sessions) >= engine.config.maxclients
        self.session = engine.connect(self.receive)
        self.session.on_close = self.end
        self.session.address = f"127.0.0.1:{self.session.id}"
        self.session.local_address = f"127.0.0.1:{engine.config.port}"
        if is_full:
            engine.statistics.rejected_connections += 1
            self.inbox.append(TOO_MANY)
            self.end()

    # Requests

    def send(self, argv: list[bytes]) -> None:
        """Execute a request, or have it executed; its reply is in the inbox when this returns, if it does not block."""
        driver = self.driver
        with driver.lock:
            if driver.thread or driver.has_errands or self._blocked is not None or self.closed:
                if not driver.is_elsewhere:
                    self._execute_one(argv)
                    return
            else:
                # What _execute_one does, without a call.
                reply = self._execute(self.session, argv)
                if reply.__class__ in UNUSUAL:
                    self._take(reply)
                else:
                    self.inbox.append(reply)
                if self.wake is not None or self.session.closing or driver.woken:
                    self._look_after()
                return
        driver.call(partial(self._execute_one, argv))

    def send_all(self, requests: list[list[bytes]]) -> None:
        """Execute requests in their order, which are sent at once."""
        batch = next(BATCHES)
        for start in range(0, len(requests), SLICE):
            asked = self.begin_send(requests[start : start + SLICE], batch)
            if asked is not None:
                asked.result()

    def begin_send(self, requests: list[list[bytes]], batch: int) -> Future[None] | None:
        """As :meth:`send_all`, a few, for those who cannot wait in their thread. None if it has been done."""
        driver = self.driver
        with driver.lock:
            if not driver.is_elsewhere:
                self._execute_all(requests, batch)
                return None
        return driver.begin_call(partial(self._execute_all, requests, batch))

    def _execute_all(self, requests: list[list[bytes]], batch: int) -> None:
        self.session.batch = batch
        for argv in requests:
            self._execute_one(argv)
        self.session.batch = 0

    def _execute_one(self, argv: list[bytes]) -> None:
        driver = self.driver
        if driver.has_errands:
            driver.run_errands()
        if self._blocked is not None or self.closed:
            self._held.append((argv, self.session.batch))
            return
        reply = self._execute(self.session, argv)
        if reply.__class__ in UNUSUAL:
            self._take(reply)
        else:
            self.inbox.append(reply)
        if self.wake is not None or self.session.closing or driver.woken:
            self._look_after()

    def _look_after(self) -> None:
        """What may be left to do after a request."""
        if self.wake is not None:
            self.wake()
        if self.session.closing:
            self.end()
        if self.driver.woken:
            self.driver.attend()

    def _take(self, reply: Reply | Blocked) -> None:
        if isinstance(reply, Blocked):
            if not reply.done:
                self._blocked = reply
                reply.on_done = self._unblocked
                return
            reply = reply.reply
        self._put(reply)

    def _unblocked(self, reply: Reply) -> None:
        self._blocked = None
        self.receive(reply)
        if self.session.closing:
            self.end()
        elif self._held:
            self.driver.note_woken(self)

    def go_on(self) -> None:
        """Execute what was held back while the client waited."""
        while self._held and self._blocked is None and not self.closed:
            argv, self.session.batch = self._held.popleft()
            self._execute_one(argv)
        self.session.batch = 0

    # Replies

    def receive(self, reply: Reply) -> None:
        """Put something into the inbox, behind all that came before it."""
        self._put(reply)
        if self.wake is not None:
            self.wake()

    def _put(self, reply: Reply) -> None:
        if reply.__class__ is Replies:
            for each in reply:
                self._put(each)
        else:
            self.inbox.append(reply)

    # The end

    def give_up(self) -> bool:
        """Wait no longer for a reply. False if there is one after all: it would be lost if nobody read it."""
        if self.inbox:
            return False
        if self._blocked is not None:
            self.end()
        return True

    def close(self) -> None:
        """The client is gone: it waits for nothing any more. From any thread, at any time."""
        if not self.closed:
            self.closed = True
            self.driver.forsake(self)

    def shutdown(self, how: int) -> None:
        """What is called on a socket before it is closed."""

    def end(self) -> None:
        """End the session. What is in the inbox can still be read."""
        self._held.clear()
        self._blocked = None
        self.closed = True
        self.driver.forget(self)
        self.driver.engine.disconnect(self.session)
        if self.wake is not None:
            self.wake()
