"""The sockets that clients come in by: TCP on several addresses, TLS, a Unix socket.

Sockets are bound here by hand and not by asyncio, for what asyncio cannot do: an address that may be missing
(``-::1``), one ephemeral port for all addresses, and errors in redis-server's words. Nothing is looked up in DNS on
a thread, so that starting a server leaves no thread behind. Clients are accepted by hand as well, because an
``asyncio.Server`` that is closed loses, with their sockets, those whom it was just accepting.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from miniredis.server.log import VERBOSE

if TYPE_CHECKING:
    from miniredis.server.sockets import Sockets

_EPHEMERAL_ATTEMPTS: Final = 20
"""How often another ephemeral port is tried when one that is free on the first address is taken on another."""

_NO_SUCH_ADDRESS: Final = frozenset(
    {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EPFNOSUPPORT, errno.ENOPROTOOPT}
)
"""What binding fails with on a machine that lacks the address or its protocol: no reason to stop if it is optional."""

_LONGEST_UNIX_PATH: Final = 107

_ACCEPTS_PER_TURN: Final = 1000

_PAUSE: Final = 1.0
"""Seconds for which nobody is accepted when the process has no file descriptor left."""

logger = logging.getLogger("miniredis")


class ListenError(Exception):
    """A socket that cannot be had, in redis-server's words and one line."""


def bind_tcp(addresses: Sequence[str], port: int, backlog: int) -> list[socket.socket]:
    """Listening sockets on every address of a ``bind`` directive, all on the same port.

    *port* 0 takes one that is free. An address beginning with ``-`` may be missing; ``*`` is every IPv4 address,
    ``::*`` every IPv6 address; without any address there is no socket. Raises :class:`ListenError`.
    """
    for attempt in range(_EPHEMERAL_ATTEMPTS):
        try:
            return _bind_all(addresses, port, backlog)
        except ListenError as error:
            cause = error.__cause__
            taken = isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE
            if port or not taken or attempt == _EPHEMERAL_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _bind_all(addresses: Sequence[str], port: int, backlog: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            optional = address.startswith("-")
            host = address.removeprefix("-")
            try:
                sockets.append(_bind_one(host, port, backlog))
            except OSError as error:
                if optional and error.errno in _NO_SUCH_ADDRESS:
                    continue
                reason = error.strerror or str(error)
                raise ListenError(
                    f"Could not create server TCP listening socket {host}:{port}: bind: {reason}"
                ) from error
            port = sockets[0].getsockname()[1]
    except BaseException:
        for each in sockets:
            each.close()
        raise
    if addresses and not sockets:
        raise ListenError(f"Failed listening on port {port} (TCP), aborting.")
    return sockets


def _bind_one(host: str, port: int, backlog: int) -> socket.socket:
    host = {"*": "0.0.0.0", "::*": "::"}.get(host, host)
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # Said in so many words: asyncio switches Nagle's algorithm off for what is TCP by its protocol number only.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(where)
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def bind_unix(path: str, permissions: int, backlog: int) -> socket.socket:
    """A listening Unix socket at *path*, with the mode *permissions* unless that is 0. Raises :class:`ListenError`.

    As redis-server does, a socket that is left there from before is replaced; but not a file of another kind.
    """
    if len(os.fsencode(path)) > _LONGEST_UNIX_PATH:
        raise ListenError(
            f"unix socket path too long ({len(os.fsencode(path))}), must be under {_LONGEST_UNIX_PATH + 1}"
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        remove_socket(path)
        listener.bind(path)
        if permissions:
            os.chmod(path, permissions)
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ListenError(f"Failed opening Unix socket: bind: {error.strerror}: {path}") from error
    return listener


def remove_socket(path: str) -> None:
    """Remove the Unix socket at *path*, if there is one."""
    try:
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass


class Listener:
    """Accepts clients on the listening socket *listener*, each with a protocol from *new_protocol*, until closed.

    *sockets* watches them; the loop itself does without it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        new_protocol: Callable[[], asyncio.Protocol],
        sockets: Sockets | None = None,
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._new_protocol = new_protocol
        self._sockets = sockets
        self._pause: asyncio.TimerHandle | None = None
        self._accepting: set[asyncio.Task[None]] = set()
        loop.add_reader(listener, self._accept)

    def retire(self) -> None:
        """Accept nobody any more; whoever is being accepted still meets its protocol."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()
        if self._pause is not None:
            self._pause.cancel()

    async def close(self) -> None:
        """Accept nobody any more; whoever was being accepted has met its protocol when this returns."""
        self.retire()
        if self._accepting:
            await asyncio.wait(self._accepting)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.warning("Accepting client connection: %s", error.strerror)
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(_PAUSE, self._resume)
                return
            client.setblocking(False)
            if self._sockets is not None:
                self._welcome(client, self._sockets)
                continue
            task = self._loop.create_task(self._meet(client))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    def _welcome(self, client: socket.socket, sockets: Sockets) -> None:
        try:
            sockets.welcome(client, self._new_protocol)
        except OSError as error:
            _close_lost(client, error)

    async def _meet(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._new_protocol, client)
        except OSError as error:
            _close_lost(client, error)


def _close_lost(client: socket.socket, error: OSError) -> None:
    """Close what was gone before it was welcome."""
    logger.log(VERBOSE, "Error accepting a client connection: %s", error)
    client.close()
