"""How clients in this process wait: for a reply, a message, the end of their patience. Nobody polls.

A thread waits at a gate, a task for a future; both are set by whoever puts something into the inbox. While no event
loop serves the engine somebody has to wake up when something falls due there. Of the threads that wait, one does, and
hands that on when it leaves; and each event loop on which tasks wait has one alarm.

Patience (``socket_timeout``, ``get_message(timeout=…)``) is the client's own and runs in real time, as it does when
there is a socket between. Only what the server waits for goes by the engine's clock.

``asyncio`` is imported where a task waits: whoever has none need not pay for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

    from miniredis.embedded.driver import Driver
    from miniredis.embedded.line import Line

LONGEST_SLEEP: Final = 86_400.0
"""Seconds. Neither a lock nor an event loop need be able to wait for the centuries that a key can live."""


class Sleepers:
    """Everybody who waits on lines of *driver*."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._threads: dict[_Gate, None] = {}
        self._leader: _Gate | None = None
        self._on_loop_thread: _Gate | None = None
        self._alarms: dict[asyncio.AbstractEventLoop, _Alarm] = {}

    # A thread

    def wait(self, line: Line, timeout: float | None) -> bool:
        """Block this thread until there is something in *line*'s inbox, or it is closed. False: *timeout* was over."""
        self._catch_up()
        if line.inbox or line.closed:
            return True
        if timeout is None:
            deadline = None
        elif timeout <= 0:
            return False
        else:
            deadline = time.monotonic() + timeout
        gate = _Gate()
        try:
            line.wake = gate.open
            self._enter(gate)
            while not line.inbox and not line.closed:
                patience = LONGEST_SLEEP if deadline is None else deadline - time.monotonic()
                if patience <= 0 and self._driver.call(line.give_up):
                    return False
                gate.wait(min(max(patience, 0), self._next_turn(gate)))
                self._take_turn(gate)
        except BaseException:
            self._driver.call(line.give_up)
            raise
        finally:
            line.wake = None
            self._leave(gate)
        return True

    def _enter(self, gate: _Gate) -> None:
        with self._driver.lock:
            self._threads[gate] = None
            if self._driver.thread == get_ident():
                self._on_loop_thread = gate
                gate.open()  # somebody may have asked the loop already
            elif self._leader is None:
                self._leader = gate

    def _leave(self, gate: _Gate) -> None:
        with self._driver.lock:
            del self._threads[gate]
            if self._on_loop_thread is gate:
                self._on_loop_thread = None
            if self._leader is gate:
                self._leader = next(iter(self._threads), None)
                if self._leader is not None:
                    self._leader.open()

    def _next_turn(self, gate: _Gate) -> float:
        """Seconds until this thread has something to do for the engine."""
        with self._driver.lock:
            if gate is self._on_loop_thread:
                due = self._driver.engine.next_due()
                return LONGEST_SLEEP if due is None else self._seconds_until(due * 1_000_000)
            if gate is self._leader and not self._driver.thread:
                return self._seconds_until(self._driver.due)
        return LONGEST_SLEEP

    def _take_turn(self, gate: _Gate) -> None:
        if gate is self._on_loop_thread:
            self._driver.answer_waiting()
            self._driver.call(self._driver.engine.run_due)
        elif gate is self._leader:
            self._catch_up()

    def _seconds_until(self, due: int) -> float:
        clock = self._driver.engine.clock
        if clock.frozen:  # whoever moves it does what that makes due
            return LONGEST_SLEEP
        return min(max((due - clock.ns()) / 1e9, 0.0), LONGEST_SLEEP)

    def _catch_up(self) -> None:
        driver = self._driver
        if driver.has_errands:
            with driver.lock:
                if not driver.is_elsewhere:
                    driver.run_errands()

    def wake_loop_thread(self) -> None:
        """Somebody asks for a turn of the thread whose event loop has the engine: it may be waiting itself."""
        if self._on_loop_thread is not None:
            self._on_loop_thread.open()

    # A task

    async def wait_async(self, line: Line, timeout: float | None) -> bool:
        """Suspend this task until there is something in *line*'s inbox, or it is closed. False: *timeout* was over.

        A cancellation that comes when the reply is already there would lose it. It is put off until the reply is with
        those who asked for it.
        """
        import asyncio

        self._catch_up()
        if line.inbox or line.closed:
            return True
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + max(timeout, 0)
        alarm = self._enter_loop(loop)
        try:
            while not line.inbox and not line.closed:
                if deadline is not None and loop.time() >= deadline:
                    if timeout == 0:
                        await asyncio.sleep(0)  # others may be about to send something
                    if self._driver.call(line.give_up):
                        return False
                    break
                await _woken(line, loop, deadline)
        except asyncio.CancelledError:
            if self._driver.call(line.give_up):
                raise
            put_off_cancellation()
        finally:
            line.wake = None
            self._leave_loop(alarm)
        return True

    def _enter_loop(self, loop: asyncio.AbstractEventLoop) -> _Alarm:
        with self._driver.lock:
            alarm = self._alarms.get(loop)
            if alarm is None:
                alarm = self._alarms[loop] = _Alarm(loop, self._seconds_to_sleep, self._catch_up)
            alarm.waiting += 1
            if alarm.waiting == 1:
                alarm.set()
            return alarm

    def _leave_loop(self, alarm: _Alarm) -> None:
        with self._driver.lock:
            alarm.waiting -= 1
            if not alarm.waiting:
                alarm.cancel()
                self._alarms.pop(alarm.loop, None)

    def _seconds_to_sleep(self) -> float | None:
        """Seconds until something falls due that nobody else is woken for; None for never."""
        driver = self._driver
        if driver.thread or not driver.has_errands or driver.engine.clock.frozen:
            return None
        return self._seconds_until(driver.due)

    # All of them

    def reconsider(self) -> None:
        """Something is due earlier, or somebody else looks after that now."""
        if self._leader is None:
            self._leader = next(iter(self._threads), None)
        if self._leader is not None:
            self._leader.open()
        for alarm in list(self._alarms.values()):
            if not alarm.set_from_anywhere():
                del self._alarms[alarm.loop]


class _Gate:
    """Lets one thread through each time that it is opened. It is shut again behind that.

    An ``Event`` would do, but for the garbage collector: that may come while a thread has the lock inside it, and end
    clients, and what that brings about may open the very same one.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let the thread through, now or when it comes; nothing happens if it is open."""
        with contextlib.suppress(RuntimeError):
            self._lock.release()

    def wait(self, seconds: float) -> None:
        """Return when it is opened, or the time is over."""
        self._lock.acquire(timeout=seconds)


class _Alarm:
    """Wakes *loop* for the engine's timers, as long as tasks wait there: *delay* says when, *ring* is what it does."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, delay: Callable[[], float | None], ring: Callable[[], None]
    ) -> None:
        self.loop = loop
        self.waiting = 0
        self._thread = get_ident()
        self._delay = delay
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Set it for what is due next. To be called on the loop's thread."""
        self.cancel()
        delay = self._delay() if self.waiting else None
        if delay is not None:
            self._handle = self.loop.call_later(delay, self._rings)

    def set_from_anywhere(self) -> bool:
        """As :meth:`set`, from any thread. False if the loop is closed."""
        if self._thread == get_ident() and not self.loop.is_closed():
            self.set()
            return True
        try:
            self.loop.call_soon_threadsafe(self.set)
        except RuntimeError:
            return False
        return True

    def cancel(self) -> None:
        """Let the loop sleep."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _rings(self) -> None:
        self._handle = None
        self._ring()
        if self._handle is None:
            self.set()


async def _woken(line: Line, loop: asyncio.AbstractEventLoop, deadline: float | None) -> None:
    """Return when *line* wakes its reader, or at *deadline*."""
    future: asyncio.Future[None] = loop.create_future()
    thread = get_ident()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits there any more
            if thread == get_ident():
                _finish(future)
            else:
                loop.call_soon_threadsafe(_finish, future)

    line.wake = wake
    if line.inbox or line.closed:
        return
    handle = None if deadline is None else loop.call_at(deadline, _finish, future)
    try:
        await future
    finally:
        if handle is not None:
            handle.cancel()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def put_off_cancellation() -> None:
    """Cancel this task, which has just been cancelled and goes on all the same, where it waits next."""
    import asyncio

    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().call_soon(_cancel_after_all, task)


def _cancel_after_all(task: asyncio.Task[Any]) -> None:
    """Cancel *task*, which was not cancelled when that would have lost a reply, unless that is no longer wanted."""
    if task.cancelling() and not task.done():
        task.uncancel()
        task.cancel()
