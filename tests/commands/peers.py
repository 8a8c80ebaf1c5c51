"""Several clients of one engine, and what each of them sees of the others."""

from __future__ import annotations

import miniredis.commands  # noqa: F401
from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import Engine
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import Replies, Reply


def frozen_engine(version: str = "redis-7.2") -> Engine:
    """An engine whose clock moves by hand only."""
    engine = Engine(VERSIONS[version])
    engine.clock.freeze()
    return engine


class Peer:
    """A client of *engine* that speaks *protocol*. Words of a line are separated by single spaces."""

    def __init__(self, engine: Engine, protocol: int = 2) -> None:
        self.engine = engine
        self.is_closed = False
        self._seen: list[Reply] = []
        self.session = engine.connect(self._see)
        self.session.protocol = protocol
        self.session.on_close = self._close

    def __call__(self, line: str) -> Reply:
        """The only reply to *line*."""
        assert not self.seen()
        self.send(line)
        (reply,) = self.seen()
        return reply

    def send(self, *lines: str) -> None:
        """Send *lines*; the replies are seen later."""
        for line in lines:
            reply = self.engine.execute(self.session, [word.encode("latin-1") for word in line.split(" ")])
            if isinstance(reply, Blocked) and not reply.done:
                reply.on_done = self._see
            else:
                self._see(reply.reply if isinstance(reply, Blocked) else reply)

    def seen(self) -> list[Reply]:
        """All that has reached the client since the last time, replies and messages, in its order."""
        seen, self._seen = self._seen, []
        return seen

    def leave(self) -> None:
        """Close the connection."""
        self.engine.disconnect(self.session)

    def _see(self, reply: Reply) -> None:
        if isinstance(reply, Replies):
            for each in reply:
                self._see(each)
        else:
            self._seen.append(reply)

    def _close(self) -> None:
        self.is_closed = True
