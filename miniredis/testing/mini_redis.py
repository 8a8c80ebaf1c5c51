"""A Redis server inside a test: no binary, no container, no process.

::

    with MiniRedis() as server:                     # on a thread of its own
        client = redis.Redis.from_url(server.url)

    async with MiniRedis() as server:               # on the test's own event loop
        client = redis.asyncio.Redis.from_url(server.url)

    redis = MiniRedis().client()                    # in this very process: nothing to start

The rule of this file: the engine belongs to one thread at a time (see :mod:`miniredis.embedded.driver`). What a test
asks from another one is done, replies sent included, when the call returns.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import miniredis.commands  # noqa: F401  the engine knows the commands that are imported
from miniredis.embedded.driver import Driver
from miniredis.engine.config import Config, ConfigError
from miniredis.engine.engine import Engine
from miniredis.engine.master import follow_as_configured
from miniredis.engine.version import DEFAULT_VERSION, version_named
from miniredis.testing.clock import ServerClock
from miniredis.testing.in_process import InProcess
from miniredis.testing.instruments import Instruments

if TYPE_CHECKING:
    from miniredis.resp.types import Reply
    from miniredis.server import Server

P = ParamSpec("P")
T = TypeVar("T")


class MiniRedis(Instruments, InProcess):
    """A server for as long as a ``with`` or ``async with`` block lasts, or from ``start()`` to ``stop()``.

    - *port*: on 127.0.0.1; 0 takes one that is free.
    - *emulate*: which server to be: ``redis-7.0``, ``redis-7.2``, ``redis-8.2``, ``redis-8.4``, ``valkey-9.1``.
    - *seed*: makes everything random repeatable.
    - *rdb*: the path of an RDB file, of this or of a real server, or its bytes: the data to begin with. It is read once
      and never written.
    - *directives*: any of redis.conf, dashes as underscores: ``MiniRedis(requirepass="secret", maxclients=10)``. A list
      is for a directive that takes several words.

    Nothing is saved of its own accord, unless *save* says when: ``MiniRedis(save="60 1", dir=tmp_path)``.

    A server that was stopped can be started again, on the same port and with its data; its clients have to reconnect,
    as after a failure of the network.

    What a test can do with it besides being its client (move its clock, break it, watch it, roll it back) is listed in
    :class:`~miniredis.testing.instruments.Instruments`.

    Raises ``TypeError`` for a directive that does not exist, ``ValueError`` for a value that it cannot have,
    ``OSError`` for an RDB file that cannot be read, and :class:`miniredis.rdb.RdbError` for one that is damaged.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        emulate: str = DEFAULT_VERSION.name,
        seed: int | None = None,
        rdb: str | os.PathLike[str] | bytes | None = None,
        **directives: object,
    ) -> None:
        config = Config(version_named(emulate))
        config.bind = ("127.0.0.1",)
        config.save = ()
        for name, value in {"port": port, **directives}.items():
            _set(config, name, value)
        self.engine = Engine(config.version, config, seed)
        follow_as_configured(self.engine)
        if rdb is not None:
            self.engine.persistence.load_data(rdb if isinstance(rdb, bytes) else _content(rdb))
        self.engine.exchange = _exchange
        self.clock = ServerClock(self)
        self.driver = Driver(self.engine)
        self._thread: threading.Thread | None = None

    @cached_property
    def _server(self) -> Server:
        """What has sockets. It is imported, and made, when somebody first asks for it: not every test needs one."""
        from miniredis.server import Server

        server = Server(self.engine)
        server.on_stopped = self.driver.release
        return server

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
        import asyncio

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
        import asyncio

        self.driver.adopt(asyncio.get_running_loop(), self._server.attend)
        await self._server.start()
        # Started again, it shall be found where it was.
        config = self.engine.config
        config.port, config.tls_port = self._server.port, self._server.tls_port
        self.engine.persistence.watch_save_points()

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
        """Call *function* where it may use ``engine``, and return its result.

        That is the thread that serves it; while none does, this one, and nobody else meanwhile. What it made the server
        send is sent when this returns.
        """
        return self.driver.call(partial(function, *args, **kwargs))

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call *function* after so many real seconds, whatever the server's clock says. To be called on the engine's
        thread, while the server runs."""
        self._server.loop.call_later(seconds, function)

    @property
    def is_served_here(self) -> bool:
        """Whether it is the calling thread whose event loop serves the clients: to wait for one of them blocks it."""
        return self.driver.thread == threading.get_ident()


def _exchange(host: str, port: int, timeout: float, commands: list[list[bytes]]) -> Iterator[Reply]:
    """How a server that nobody has started asks another one. Sockets are imported when it does."""
    from miniredis.server.outgoing import exchange

    return exchange(host, port, timeout, commands)


def _content(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        return file.read()


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
