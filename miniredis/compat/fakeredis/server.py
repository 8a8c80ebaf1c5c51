"""``FakeServer``: a server that can be cut off, and that clients find by the address they name.

As with fakeredis, clients of the same address have the same server for as long as the process lives; a client that
names none, and is given none, has one to itself.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from miniredis.testing.mini_redis import MiniRedis

Version: TypeAlias = tuple[int, ...] | int | str
"""A version of Redis: ``7``, ``(7, 0)``, ``"7.4"``."""

CUT_OFF: Final = "FakeRedis is emulating a connection error."

_by_address: Final[dict[str, FakeServer]] = {}
_lock: Final = threading.Lock()


class FakeServer(MiniRedis):
    """A server for the clients that are given it.

    - *version*: the nearest that can be emulated is: Redis 7.0 up to that, 7.2 after it; Valkey 9.1.
    - *server_type*: ``redis`` or ``valkey``.
    - *config*: directives of redis.conf.

    While ``connected`` is False its clients are cut off: whatever they do raises a ``ConnectionError``.
    """

    def __init__(
        self,
        version: Version = (8,),
        server_type: str = "redis",
        config: Mapping[bytes, bytes] | Mapping[str, Any] | None = None,
    ) -> None:
        directives: dict[str, Any] = {_text(name).replace("-", "_"): value for name, value in (config or {}).items()}
        super().__init__(emulate=_emulated(version, server_type), **directives)
        self._connected = True

    @property
    def connected(self) -> bool:
        """Whether clients reach it."""
        return self._connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        self._connected = connected
        if not connected:
            self.call(self.driver.hang_up)

    @staticmethod
    def get_server(key: str, version: Version, server_type: str) -> FakeServer:
        """The server of that address; a new one if nobody has asked for it yet."""
        with _lock:
            server = _by_address.get(key)
            if server is None:
                server = _by_address[key] = FakeServer(version, server_type)
            return server


def server_for(options: dict[str, Any], version: Version, server_type: str) -> FakeServer:
    """The server for a client with the *options* of ``redis.Redis``: that of its address, if it names one."""
    path = options.get("unix_socket_path") or options.get("path")
    if path:
        address = str(path)
    elif options.get("host"):
        address = f"{options['host']}:{options.get('port', 6379)}"
    else:
        return FakeServer(version, server_type)
    return FakeServer.get_server(f"{address} {_emulated(version, server_type)}", version, server_type)


def _emulated(version: Version, server_type: str) -> str:
    if server_type == "valkey":
        return "valkey-9.1"
    if server_type != "redis":
        raise ValueError(f"Unsupported server type: {server_type}")
    numbers = _numbers(version)
    return "redis-7.0" if (7,) < numbers < (7, 2) or numbers < (7,) else "redis-7.2"


def _numbers(version: Version) -> tuple[int, ...]:
    if isinstance(version, int):
        return (version,)
    if isinstance(version, str):
        return tuple(map(int, version.split(".")))
    return tuple(version)


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
