"""Who may use an engine, and when: the one rule for all that happens inside its process.

The engine belongs to one thread at a time. While a server serves it, that is the thread of the server's event loop: who
calls from there is let in directly, who calls from elsewhere asks the loop and waits for the answer. Else it belongs to
whoever holds the lock; then nobody but those who use it drives its timers, so whoever comes in first does what has
fallen due, and whoever waits wakes up for it (see :mod:`miniredis.embedded.sleepers`).

A server's own connections never come by here: they pay nothing for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from miniredis.embedded.line import Line
from miniredis.embedded.sleepers import Sleepers

if TYPE_CHECKING:
    import asyncio

    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session

T = TypeVar("T")

NEVER: Final = 1 << 63

TURN: Final = 0.001
"""Seconds that a script which takes too long leaves to the others, now and then."""


class _Lock(Protocol):
    """What ``threading.RLock()`` makes."""

    def acquire(self, blocking: bool = True) -> bool: ...

    def release(self) -> None: ...

    def _is_owned(self) -> bool: ...

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...


class Driver:
    """Lets those in who want to use *engine*, from whatever thread they come.

    Attributes:
        lock: held by whoever uses the engine, other than the server that serves it.
        thread: the identity of the thread whose event loop serves the engine; 0 while none does.
        due: when the engine next has to be woken, in nanoseconds since the epoch; kept only while no loop does that.
        has_errands: whether :meth:`run_errands` has, or may have, something to do.
        woken: clients whose wait has ended, and who have sent more meanwhile.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lock: _Lock = threading.RLock()  # type: ignore[assignment]
        self.thread = 0
        self.due = NEVER
        self.has_errands = False
        self.woken: list[Line] = []
        self.sleepers = Sleepers(self)
        self._lines: dict[Line, None] = {}
        self._forsaken: deque[Line] = deque()
        self._asked: deque[Callable[[], None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._attend_to_server: Callable[[], None] | None = None
        self._drive()

    # Whose turn it is

    def call(self, function: Callable[[], T]) -> T:
        """Call *function* where it may use the engine, and return its result.

        What it made the server send is sent, and who waited for it in this process has it, when this returns.
        """
        asked = self.begin_call(function)
        return asked.result()

    def begin_call(self, function: Callable[[], T]) -> Future[T]:
        """What :meth:`call` waits for. It is there at once, unless another thread's loop has to be asked."""
        result: Future[T] = Future()
        with self.lock:
            if not self.is_elsewhere:
                self._answer(function, result)
                return result
            assert self._loop is not None
            self._asked.append(partial(self._answer, function, result))
            self._loop.call_soon_threadsafe(self._answer_all)
            self.sleepers.wake_loop_thread()
        return result

    @property
    def is_elsewhere(self) -> bool:
        """Whether another thread's event loop has the engine. To be asked with the lock held."""
        return self.thread != 0 and self.thread != get_ident()

    def _answer(self, function: Callable[[], T], result: Future[T]) -> None:
        if not result.set_running_or_notify_cancel():
            return  # whoever asked wants it no more
        try:
            value = self._call_here(function)
        except BaseException as error:
            result.set_exception(error)
        else:
            result.set_result(value)

    def _call_here(self, function: Callable[[], T]) -> T:
        if self.has_errands:
            self.run_errands()
        value = function()
        if self.woken:
            self.attend()
        if self._attend_to_server is not None:
            self._attend_to_server()
        return value

    def _answer_all(self) -> None:
        """Answer who has asked. Without the lock, which those who ask take: they are not to wait for each other."""
        while self._asked:
            self._asked.popleft()()

    def answer_waiting(self) -> None:
        """Answer who has asked the loop's thread, which waits itself and so does not run its loop."""
        self._answer_all()

    # With a server, or alone

    def adopt(self, loop: asyncio.AbstractEventLoop, attend: Callable[[], None]) -> None:
        """Let *loop*, which is running on this thread, have the engine. *attend* sends what its clients are to get."""
        with self.lock:
            self.thread = get_ident()
            self._loop = loop
            self._attend_to_server = attend
            self.due = NEVER
            self.engine.on_slow_script = None
            self.sleepers.reconsider()

    def release(self) -> None:
        """Take the engine back from the loop that had it. To be called on that; nothing happens if there is none."""
        with self.lock:
            if self.thread:
                self._answer_all()
                self.thread = 0
                self._loop = None
                self._attend_to_server = None
                self._drive()
                self.sleepers.reconsider()

    def _drive(self) -> None:
        engine = self.engine
        engine.on_earlier = self._note_due
        engine.on_shutdown = self.hang_up
        engine.on_slow_script = self._let_others_in
        due = engine.next_due()
        if due is not None:
            self._note_due(due)

    def _note_due(self, due: int) -> None:
        self.due = due * 1_000_000
        self.has_errands = True
        self.sleepers.reconsider()

    def hang_up(self) -> None:
        """End everybody's session: a client has said SHUTDOWN, and there is no server that it could end."""
        for line in list(self._lines):
            line.end()

    def _let_others_in(self, session: Session) -> None:
        self.lock.release()
        try:
            time.sleep(TURN)
        finally:
            self.lock.acquire()

    # What has to be done before anything else

    def run_errands(self) -> None:
        """Forget clients that are gone, and do what has fallen due if no loop does."""
        self.has_errands = False
        while self._forsaken:
            self._forsaken.popleft().end()
        if self.due <= self.engine.clock.ns():
            self.engine.run_due()
            due = self.engine.next_due()
            self.due = NEVER if due is None else due * 1_000_000
        if self.due != NEVER:
            self.has_errands = True
        if self.woken:
            self.attend()

    def note_woken(self, line: Line) -> None:
        """*line*'s wait has ended, and it has sent more meanwhile: :meth:`attend` to it soon."""
        self.woken.append(line)
        if self._loop is not None:
            self._loop.call_soon(self.attend)

    def attend(self) -> None:
        """Execute what clients have sent while they waited, once they wait no more."""
        with self.lock:
            while self.woken:
                self.woken.pop(0).go_on()

    # Clients

    def connect(self) -> Line:
        """A new client."""
        return self.call(self._connect)

    def _connect(self) -> Line:
        line = Line(self)
        self._lines[line] = None
        return line

    def forget(self, line: Line) -> None:
        """*line* is closed."""
        self._lines.pop(line, None)

    def forsake(self, line: Line) -> None:
        """End *line*'s session, at the latest before anything else is done. This may be called from anywhere, even by
        the garbage collector in the middle of a command."""
        self._forsaken.append(line)
        self.has_errands = True
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._forget_forsaken)
        elif not self.lock._is_owned() and self.lock.acquire(blocking=False):
            try:
                self.run_errands()
            finally:
                self.lock.release()

    def _forget_forsaken(self) -> None:
        with self.lock:
            self.run_errands()
