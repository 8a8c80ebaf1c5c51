"""A client that loses replies: the server has done what it was asked, and the client, not knowing, asks again.

That is what redis-py does by itself when a connection breaks before the reply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class LosesReplies:
    """Stands before a blocking *client*; the replies to the next ``losing`` commands or pipelines are lost."""

    def __init__(self, client: Any, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.client = client
        self.losing = 0
        self.meanwhile = meanwhile
        """What happens after a reply was lost, before the client asks again."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return self.ask(lambda: self.client.execute_command(*args, **options))

    def pipeline(self, **options: Any) -> _Pipeline:
        return _Pipeline(self, options)

    def ask(self, send: Callable[[], Any]) -> Any:
        """The reply, or the one to the second time."""
        reply = send()
        if self.losing:  # not of an error, such as that the script is not known: that one does nothing
            self.losing -= 1
            self.meanwhile()
            reply = send()
        return reply


class _Pipeline:
    """A pipeline that can be sent twice."""

    def __init__(self, loser: LosesReplies, options: dict[str, Any]) -> None:
        self._loser = loser
        self._options = options
        self._commands: list[tuple[Any, Any]] = []

    def execute_command(self, *args: Any, **options: Any) -> None:
        self._commands.append((args, options))

    def execute(self, **how: Any) -> Any:
        return self._loser.ask(lambda: self._send(how))

    def _send(self, how: dict[str, Any]) -> Any:
        pipeline = self._loser.client.pipeline(**self._options)
        for args, options in self._commands:
            pipeline.execute_command(*args, **options)
        return pipeline.execute(**how)
