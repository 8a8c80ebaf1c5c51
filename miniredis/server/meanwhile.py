"""Turns of the event loop in the middle of one of its callbacks: while a script takes too long, others are served.

A script runs in the callback that has read its EVAL, and cannot leave it before it ends: it has frames of Python on the
stack, which is no place to come back to. A thread for each script would make every script pay for the few that do not
end; and serving the sockets by hand would serve no client that is just connecting, speaks TLS, or lives on this very
loop. So the loop itself is run from within, one turn at a time, as Redis runs its own.

asyncio has no public name for that, hence :func:`take_turn` looks whether the loop is one that it knows (all of the
standard library's are), and does nothing otherwise. Three things need care:

- The outer turn counts on the callbacks that it has found ready. Those are run by the inner turn, for one of them may
  be what ends the script; idle ones are put into their places.
- A callback must not be run within itself: who waits for the script is not read from.
- A task must not be resumed within another; the one that is running steps aside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator


def take_turn(loop: asyncio.AbstractEventLoop) -> None:
    """Run everything that is ready on *loop*, from within one of its callbacks; wait for nothing."""
    run_once = getattr(loop, "_run_once", None)
    ready = getattr(loop, "_ready", None)
    if run_once is None or not isinstance(ready, deque):
        return
    found = len(ready)
    loop.call_soon(_nothing)  # with something ready, the loop does not wait for sockets
    with _stepped_aside(loop):
        run_once()
    while len(ready) < found:
        idle = asyncio.Handle(_nothing, (), loop)
        idle.cancel()
        ready.append(idle)


@contextlib.contextmanager
def not_read(transport: asyncio.Transport) -> Iterator[None]:
    """Do not read from *transport* for a ``with`` block, if it is being read from."""
    beneath = getattr(transport, "_ssl_protocol", None)
    if beneath is not None:
        transport = getattr(beneath, "_transport", None) or transport
    was_reading = transport.is_reading()
    if was_reading:
        transport.pause_reading()
    try:
        yield
    finally:
        if was_reading and not transport.is_closing():
            transport.resume_reading()


@contextlib.contextmanager
def _stepped_aside(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    task = asyncio.current_task(loop)
    if task is None:
        yield
        return
    asyncio._leave_task(loop, task)
    try:
        yield
    finally:
        asyncio._enter_task(loop, task)


def _nothing() -> None:
    return None
