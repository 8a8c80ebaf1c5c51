"""``TcpFakeServer``: a ``FakeServer`` at an address, with the methods that fakeredis's has from ``socketserver``."""

from __future__ import annotations

import errno
import os
import socket
import threading
from types import TracebackType
from typing import Self

from miniredis.compat.fakeredis.server import FakeServer, Version


class TcpFakeServer:
    """Serves at *server_address*, a host and a port; port 0 takes one that is free.

    It listens from the moment it is made (with *bind_and_activate* off: from :meth:`server_activate` on) until
    :meth:`server_close`, and has a thread of its own: :meth:`serve_forever` only waits for :meth:`shutdown`, and
    clients are answered whether or not somebody has called it. Raises ``OSError`` for an address that cannot be had.

    Attributes:
        server_address: where it is: the host, and the port that it has.
        fake_server: the server, for clients in this process as well, and with all that a ``MiniRedis`` has.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self,
        server_address: tuple[str | bytes | bytearray, int],
        bind_and_activate: bool = True,
        server_type: str = "redis",
        server_version: Version = (8, 0),
    ) -> None:
        host, port = server_address
        text = host if isinstance(host, str) else bytes(host).decode()
        address = socket.gethostbyname(text) if text else "0.0.0.0"
        self.server_address: tuple[str, int] = (address, port)
        self.fake_server = FakeServer(
            server_version, server_type, {"bind": address, "port": port, "protected-mode": "no"}
        )
        self._is_over = threading.Event()
        if bind_and_activate:
            self.server_activate()

    def server_activate(self) -> None:
        """Listen. Nothing happens if it does."""
        from miniredis.server import ListenError

        try:
            self.fake_server.start()
        except ListenError as error:
            number = errno.EADDRINUSE if os.strerror(errno.EADDRINUSE) in str(error) else errno.EADDRNOTAVAIL
            raise OSError(number, str(error)) from error
        self.server_address = (self.server_address[0], self.fake_server.port)

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Return after :meth:`shutdown`, from another thread. Nothing has to be polled for."""
        self.server_activate()
        self._is_over.wait()
        self._is_over.clear()

    def shutdown(self) -> None:
        """Stop serving: clients are cut off, and whoever serves for ever returns."""
        self._is_over.set()
        self.fake_server.stop()

    def server_close(self) -> None:
        """Listen no more."""
        self.fake_server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.server_close()
