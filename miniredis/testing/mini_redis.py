"""A Redis server inside a test: no binary, no container, no process.

::

    with MiniRedis() as server:                     # on a thread of its own
        client = redis.Redis.from_url(server.url)

    async with MiniRedis() as server:               # on the test's own event loop
        client = redis.asyncio.Redis.from_url(server.url)

The rule of this file: the engine belongs to one thread, that of the event loop which serves it. What a test asks from
another thread is done on that one, and is done, replies sent included, when the call returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import ParamSpec, TypeVar

import miniredis.commands  # noqa: F401  the engine knows the commands that are imported
from miniredis.engine.config import Config, ConfigError
from miniredis.engine.engine import Engine
from miniredis.engine.version import DEFAULT_VERSION, version_named
from miniredis.server import Server

P = ParamSpec("P")
T = TypeVar("T")


class MiniRedis:
    """A server for as long as a ``with`` or ``async with`` block lasts, or from ``start()`` to ``stop()``.

    - *port*: on 127.0.0.1; 0 takes one that is free.
    - *emulate*: which server to be: ``redis-7.0``, ``redis-7.2``, ``valkey-9.1``.
    - *seed*: makes everything random repeatable.
    - *directives*: any of redis.conf, dashes as underscores: ``MiniRedis(requirepass="secret", maxclients=10)``. A list
      is for a directive that takes several words.

    A server that was stopped can be started again, on the same port and with its data; its clients have to reconnect,
    as after a failure of the network.

    Raises ``TypeError`` for a directive that does not exist, ``ValueError`` for a value that it cannot have.
    """

    def __init__(
        self, port: int = 0, *, emulate: str = DEFAULT_VERSION.name, seed: int | None = None, **directives: object
    ) -> None:
        config = Config(version_named(emulate))
        config.bind = ("127.0.0.1",)
        for name, value in {"port": port, **directives}.items():
            _set(config, name, value)
        self.engine = Engine(config.version, config, seed)
        self.clock = ServerClock(self)
        self._server = Server(self.engine)
        self._thread: threading.Thread | None = None
        self._loop_thread = 0  # the identity of the thread whose loop serves, 0 while none does

    # Where it is

    @property
    def host(self) -> str:
        """The address that it listens on, the first if there are several."""
        return self._running().host

    @property
    def port(self) -> int:
        """The TCP port; 0 if there is only TLS."""
        return self._running().port

    @property
    def tls_port(self) -> int:
        """The port for TLS, 0 for none."""
        return self._running().tls_port

    @property
    def unix_socket(self) -> str:
        """The path of the Unix socket (``MiniRedis(unixsocket="/tmp/redis.sock")``), empty for none."""
        return self._running().unix_socket

    @property
    def url(self) -> str:
        """What clients are given: ``redis://127.0.0.1:49153``."""
        return self._running().url

    @property
    def is_running(self) -> bool:
        """Whether clients can connect. A client's ``SHUTDOWN`` stops a server, too."""
        return self._server.is_running

    def _running(self) -> Server:
        if not self._server.is_running:
            raise RuntimeError("this MiniRedis is not running: use it in a with block, or call start()")
        return self._server

    # On a thread of its own

    def start(self) -> MiniRedis:
        """Serve on a background thread; returns when clients can connect. Nothing happens if it already runs.

        Raises :class:`miniredis.server.ListenError` when it cannot have its port or socket.
        """
        if self._server.is_running:
            return self
        self.stop()
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve_on_thread, args=(ready,), name="miniredis", daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop serving; returns when nothing of the server is left. Nothing happens if it does not run."""
        thread = self._thread
        if thread is None:
            if self._server.is_running:
                raise RuntimeError("a MiniRedis that was started by 'async with' stops at the end of that block")
            return
        if thread is threading.current_thread():
            raise RuntimeError("a MiniRedis cannot be stopped from its own thread")
        if thread.is_alive():
            with contextlib.suppress(AttributeError, RuntimeError):  # it did not start, or is ending by itself
                self._server.loop.call_soon_threadsafe(self._server.begin_stop)
            thread.join()
        self._thread = None

    def __enter__(self) -> MiniRedis:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _serve_on_thread(self, ready: Future[None]) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: Future[None]) -> None:
        try:
            await self._start_here()
        except BaseException as error:
            ready.set_exception(error)
            return
        ready.set_result(None)
        await self._server.wait_stopped()

    async def _start_here(self) -> None:
        await self._server.start()
        self._loop_thread = threading.get_ident()
        # Started again, it shall be found where it was.
        config = self.engine.config
        config.port, config.tls_port = self._server.port, self._server.tls_port

    # On the caller's event loop

    async def __aenter__(self) -> MiniRedis:
        if self._server.is_running:
            raise RuntimeError("this MiniRedis is already running")
        await self._start_here()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._server.stop()

    # Across threads

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call *function* where it may use ``engine``, on the thread that serves it, and return its result.

        What it made the server send is sent when this returns.
        """
        if not self._server.is_running or threading.get_ident() == self._loop_thread:
            return self._call_here(function, *args, **kwargs)
        result: Future[T] = Future()

        def call() -> None:
            try:
                result.set_result(self._call_here(function, *args, **kwargs))
            except BaseException as error:
                result.set_exception(error)

        self._server.loop.call_soon_threadsafe(call)
        return result.result()

    def _call_here(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        value = function(*args, **kwargs)
        if self._server.is_running:
            self._server.attend()
        return value


class ServerClock:
    """The clock of a running server, for use from any thread. Times are in seconds.

    A move fires all that falls due by it (keys expire, blocked clients time out, …), in order, each at its own time;
    what the clients are sent for it has been sent when the call returns.
    """

    def __init__(self, server: MiniRedis) -> None:
        self._server = server
        self._clock = server.engine.clock

    @property
    def frozen(self) -> bool:
        """Whether it stands until it is moved."""
        return self._clock.frozen

    def time(self) -> float:
        """The server's time, in seconds since the Unix epoch."""
        return self._clock.ns() / 1e9

    def freeze(self) -> None:
        """Stop the clock at its present time."""
        self._server.call(self._clock.freeze)

    def advance(self, seconds: float) -> None:
        """Move the clock forward; frozen or flowing, it stays so. Raises ``ValueError`` for a negative number."""
        self._server.call(self._clock.advance, seconds)

    def set(self, seconds: float) -> None:
        """Put the clock at *seconds* since the Unix epoch; frozen or flowing, it stays so."""
        self._server.call(self._clock.set, seconds)

    def resume(self) -> None:
        """Let a frozen clock flow again, from where it stands."""
        self._server.call(self._clock.resume)


def _set(config: Config, name: str, value: object) -> None:
    directive = name.replace("_", "-")
    if directive not in config.directives:
        raise TypeError(f"MiniRedis has no option {name!r}, and {config.version.name} no directive {directive!r}")
    try:
        config.set_at_startup(directive, _words(value))
    except ConfigError as error:
        raise ValueError(f"{name}={value!r}: {error}") from None


def _words(value: object) -> list[str]:
    """*value* as redis.conf would spell it."""
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, list | tuple):
        return [word for each in value for word in _words(each)]
    return [value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)]
