"""What goes wrong with a whole server: it hangs, takes nobody in, is gone for a while, starts anew.

Each but the restart ends with its ``with`` block, and leaves the server as it was: only that clients were disconnected,
or kept waiting.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from miniredis.engine.blocking import Blocked

if TYPE_CHECKING:
    from miniredis.engine.engine import CommandState, Engine
    from miniredis.engine.session import Session
    from miniredis.resp.types import Error, Reply
    from miniredis.testing.instruments import Instruments

FOR_EVER: Final = 1 << 52
"""Milliseconds since the epoch that no clock reaches."""


class Outages:
    """The ways in which one server can fail as a whole."""

    def __init__(self, server: Instruments) -> None:
        self._server = server
        self._pauses = 0
        self._refusals = 0
        self._maxclients = 0

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Let the server hang: clients connect and send, and nobody is answered before the block ends. Then all are, in
        the order in which they came; keys whose time has passed go, and waits whose time has passed end."""
        self._server.call(self._begin_pause)
        try:
            yield
        finally:
            self._server.call(self._end_pause)

    def _begin_pause(self) -> None:
        self._pauses += 1
        if self._pauses == 1:
            self._server.engine.pause.hang(FOR_EVER)
            self._server.interception.put_first(self)

    def _end_pause(self) -> None:
        self._pauses -= 1
        if self._pauses:
            return
        engine = self._server.engine
        self._server.interception.remove_rule(self)
        engine.pause.wake()
        engine.run_due()  # what was held back, though the clock may stand

    def take(
        self, session: Session, state: CommandState | Error, argv: list[bytes]
    ) -> Callable[[], Reply | Blocked] | None:
        """The rule of a pause: hold everything back, even what would be refused."""
        return partial(session.engine.pause.postpone, session, argv)

    @contextlib.contextmanager
    def refuse_connections(self) -> Iterator[None]:
        """Turn new clients away as Redis does (``ERR max number of clients reached``); those that are in stay."""
        self._server.call(self._begin_refusing)
        try:
            yield
        finally:
            self._server.call(self._end_refusing)

    def _begin_refusing(self) -> None:
        self._refusals += 1
        if self._refusals == 1:
            config = self._server.engine.config
            self._maxclients, config.maxclients = config.maxclients, 0

    def _end_refusing(self) -> None:
        self._refusals -= 1
        if not self._refusals:
            self._server.engine.config.maxclients = self._maxclients

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """Be gone: connections are lost, new ones refused by the system. Then the server is back, with its data.

        A server on the caller's event loop has :meth:`async_outage`.
        """
        server = self._server
        was_running = server.is_running
        if was_running:
            server.stop()
        server.call(_disconnect_all, server.engine)
        try:
            with self.refuse_connections():
                yield
        finally:
            if was_running:
                server.start()

    @contextlib.asynccontextmanager
    async def async_outage(self) -> AsyncIterator[None]:
        """As :meth:`outage`, for a server on the caller's event loop."""
        server = self._server
        await server.__aexit__(None, None, None)
        server.call(_disconnect_all, server.engine)
        try:
            with self.refuse_connections():
                yield
        finally:
            await server.__aenter__()

    def restart(self, *, keep_data: bool = True) -> None:
        """Be started anew, in no time: every connection is lost; scripts, counters, the run id are new.

        Keys and functions are lost as well unless *keep_data*. The configuration stays, as if it stood in redis.conf.
        """
        self._server.call(self._restart, keep_data=keep_data)

    def _restart(self, *, keep_data: bool) -> None:
        engine = self._server.engine
        _disconnect_all(engine)
        if not self._pauses:
            engine.pause.end()
        _forget(engine, keep_data=keep_data)


def _disconnect_all(engine: Engine) -> None:
    for session in list(engine.sessions.values()):
        session.on_close()
        engine.disconnect(session)


def _forget(engine: Engine, *, keep_data: bool) -> None:
    if not keep_data:
        for database in engine.databases:
            database.flush()
        engine.load_functions([], flush=True)
    if engine.used_scripting is not None:
        engine.scripting.scripts.flush()
    engine.statistics.reset()
    for state in engine.command_states():
        state.reset()
    engine.slow_log.reset()
    engine.run_id = engine.random_id()
    engine.started_at = engine.now
    engine.dirty = 0
