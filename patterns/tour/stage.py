"""The stage: a server, the names of the tour's keys there, and how time passes.

The rule of this file: whatever is shown runs on any server. On one whose clock cannot be moved, spans of time are
short and are waited for; all keys have a prefix of their own, and are gone at the end.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from redis.backoff import NoBackoff
from redis.retry import Retry

from patterns.connect import connect
from patterns.tour.wire import Wire


class Stage:
    """A server that somebody else runs."""

    moves_time = False
    """Whether an hour can pass at once."""

    def __init__(self, url: str, *, prefix: str | None = None) -> None:
        if urlsplit(url).scheme == "redis+cluster":
            raise ValueError(
                "the tour needs one server, or a Sentinel's master; its chapter 'cluster' needs no cluster"
            )
        self.url = url
        self.prefix = f"tour-{secrets.token_hex(4)}:" if prefix is None else prefix
        """What all keys of the tour begin with."""
        self.wire = Wire()
        self._clients: dict[str, Any] = {}

    @property
    def description(self) -> str:
        """What and where the server is."""
        about = self.client().info("server")
        kind = "Valkey" if "valkey_version" in about else "Redis"
        return f"on a {kind} {about.get('valkey_version') or about['redis_version']}, in keys under {self.prefix}*"

    def client(self, name: str = "app") -> Any:
        """The client of that name, whose commands are overheard."""
        if name not in self._clients:
            # Whoever watches does not want to wait for a server that is not there.
            patience = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 5}
            client = connect(self.url, decode_responses=True, **patience)
            self.wire.overhear(client, name)
            self._clients[name] = client
        return self._clients[name]

    def connected(self, name: str, number: int) -> Any:
        """The client of that name with so many connections made, so that a crowd has not to wait for them."""
        client = self.client(name)
        for each in [client.client() for _ in range(number)]:  # each takes a connection out of the pool
            each.close()
        return client

    def key(self, name: str) -> str:
        """The name of a key, or the beginning of names."""
        return self.prefix + name

    def span(self, seconds: float, short: float) -> float:
        """A length of time: *seconds* where that costs nothing, else *short*."""
        return seconds if self.moves_time else short

    def advance(self, seconds: float) -> None:
        """Let time pass for the server, a little more than so much."""
        time.sleep(seconds + 0.01)

    def beats(self, number: int, interval: float, align: float | None = None) -> Iterator[int]:
        """Moments at equal intervals, the first where the server's clock is a multiple of *align*."""
        if align is not None:
            now = self.server_time()
            time.sleep(math.ceil(now / align) * align - now)
        start = time.perf_counter()
        for beat in range(number):
            time.sleep(max(0.0, start + beat * interval - time.perf_counter()))
            yield beat

    def server_time(self) -> float:
        """What time it is on the server, in seconds since the epoch."""
        seconds, micros = self.client().time()
        return float(seconds + micros / 1e6)

    @property
    def timer(self) -> Callable[[], float]:
        """A clock to measure by how long a load takes, on which :meth:`advance` counts."""
        return time.perf_counter

    def keys_left(self) -> list[str]:
        """The keys that the tour has left on the server."""
        wanted = "".join(f"\\{letter}" if letter in "\\*?[]^-" else letter for letter in self.prefix)
        return list(self.client().scan_iter(match=f"{wanted}*", count=1000))

    def sweep(self) -> None:
        """Delete the tour's keys, and no others."""
        found = self.keys_left()
        for place in range(0, len(found), 500):
            self.client().unlink(*found[place : place + 500])

    def close(self) -> None:
        """Leave the server as it was found."""
        try:
            self.sweep()
        finally:
            for client in self._clients.values():
                client.close()
