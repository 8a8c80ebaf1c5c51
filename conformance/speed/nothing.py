"""The floor of clients in the server's process: redis-py itself, on a connection that does nothing.

It is told what to answer, and answers that to whatever it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis
from redis.connection import UnixDomainSocketConnection


class Nothing(UnixDomainSocketConnection):
    """The connection: connected at once, never has anything to read, answers ``answer``."""

    answer: Any = None

    def connect(self) -> None:
        """There is nothing to connect to."""

    def disconnect(self, *args: Any, **options: Any) -> None:
        """Nor from."""

    def can_read(self, timeout: float | None = 0) -> bool:
        return False

    def send_command(self, *args: Any, **options: Any) -> None:
        """Send it nowhere."""

    def pack_commands(self, commands: Iterable[Any]) -> Any:
        return list(commands)

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send it nowhere."""

    def read_response(self, *args: Any, **options: Any) -> Any:
        return self.answer


def client() -> redis.Redis:
    """A client whose connections do nothing."""
    made = redis.Redis(unix_socket_path="nowhere")
    made.connection_pool.connection_class = Nothing
    return made
