"""A client that loses replies: the server has done what it was asked, and the client, not knowing, asks again.

That is what redis-py does by itself when a connection breaks before the reply.
"""

from __future__ import annotations

from typing import Any


class LosesReplies:
    """Stands before a blocking *client*; the replies to the next ``losing`` commands are lost."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.losing = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        reply = self.client.execute_command(*args, **options)
        if self.losing:  # not of an error, such as that the script is not known: that one does nothing
            self.losing -= 1
            reply = self.client.execute_command(*args, **options)
        return reply
