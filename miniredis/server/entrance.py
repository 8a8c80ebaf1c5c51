"""The way in over TCP: one port on every address of ``bind``, which can move while the server runs.

The rule of this file: a way in that works is given up only for another one that does. Where only the port changes,
the new one is listened on before the old one is closed; on the same port the addresses may overlap, so there the old
sockets go first, and who changed the configuration puts it back if the new ones cannot be had.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from miniredis.server.listeners import Listener, bind_tcp
from miniredis.server.sockets import Sockets


class Entrance:
    """Listening sockets on one port, whose clients meet a protocol from *new_protocol*.

    Attributes:
        host: an address at which a client of this machine finds it; "" while nothing is listened on.
        port: alike, 0.
    """

    def __init__(self, new_protocol: Callable[[], asyncio.Protocol]) -> None:
        self.host = ""
        self.port = 0
        self._new_protocol = new_protocol
        self._addresses: tuple[str, ...] = ()
        self._sockets: Sockets | None = None
        self._listeners: list[Listener] = []
        self._retired: list[Listener] = []

    def open(self, addresses: Sequence[str], port: int, backlog: int, sockets: Sockets | None = None) -> None:
        """Listen for the first time; *port* 0 takes one that is free.

        *sockets* watches the clients; the loop itself does without it.

        To be called, as everything here, on the loop that is to accept the clients. Raises
        :class:`~miniredis.server.listeners.ListenError`.
        """
        self._sockets = sockets
        self._listen(addresses, bind_tcp(addresses, port, backlog))

    def move(self, addresses: Sequence[str], port: int, backlog: int) -> None:
        """Listen on *addresses* and *port*, and nowhere else; on nothing if *port* is 0.

        Clients that are connected stay. Raises :class:`~miniredis.server.listeners.ListenError`; then the old sockets
        are still listened on, if the port was to change.
        """
        if (tuple(addresses), port) == (self._addresses, self.port):
            return
        if port == self.port or not port:
            self._retire()
        if port:
            self._listen(addresses, bind_tcp(addresses, port, backlog))

    async def close(self) -> None:
        """Accept nobody any more; whoever was being accepted has met its protocol when this returns."""
        self._retire()
        retired, self._retired = self._retired, []
        for listener in retired:
            await listener.close()

    def _listen(self, addresses: Sequence[str], sockets: list[socket.socket]) -> None:
        self._retire()
        if not sockets:
            return
        loop = asyncio.get_running_loop()
        host, self.port = sockets[0].getsockname()[:2]
        self.host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self._addresses = tuple(addresses)
        self._listeners = [Listener(loop, each, self._new_protocol, self._sockets) for each in sockets]

    def _retire(self) -> None:
        for listener in self._listeners:
            listener.retire()
        self._retired += self._listeners
        self._listeners = []
        self.host, self.port, self._addresses = "", 0, ()
