"""The wire: what clients send and what comes back, overheard at redis-py's connections.

The rule of this file: what is shown was sent. Requests are read from the bytes that leave, replies as they come in;
so it is the same for every server. Shown shorter are only scripts (by their names), random bytes and long digits.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from patterns.scripts import FOLDER

HANDSHAKE: Final = frozenset({"HELLO", "AUTH", "CLIENT", "SELECT"})
"""What a connection says when it is made; passwords are among it. It is never kept."""

WAITS: Final = object()
"""In place of a reply that has not come yet."""

DIGEST: Final = re.compile(r"[0-9a-f]{32,}")
HEADERS: Final = {5: b"\x01", 16: b""}
"""What stands before the text of a stored value, an envelope or a generation: its size, and how it begins."""

LINES: Final = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})

PATIENCE: Final = 10.0


@dataclass
class Exchange:
    """A command, and what it was answered."""

    client: str
    argv: list[bytes]
    trip: int
    """Commands of one number left together."""
    reply: Any = WAITS
    sent_at: float = 0.0
    answered_at: float = 0.0
    """Seconds on the clock of ``time.perf_counter``."""

    @property
    def name(self) -> str:
        """The command's name, in upper case."""
        return self.argv[0].decode(errors="replace").upper()


@dataclass
class Wire:
    """All that the overheard clients have sent, the oldest first."""

    exchanges: list[Exchange] = field(default_factory=list)
    _scripts: dict[bytes, str] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _trips: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        for path in sorted(FOLDER.glob("*.lua")):
            self.name_script(path.read_text(encoding="utf-8"), path.name)

    def name_script(self, text: str, name: str) -> None:
        """Show the script of that text, or its digest, as *name*."""
        self._scripts[text.encode()] = name
        self._scripts[hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().encode()] = name

    def overhear(self, client: Any, name: str) -> None:
        """Note all that *client*, a new one, sends and reads."""
        pool = client.connection_pool
        pool.connection_class = _overheard(pool.connection_class, self, name)

    @contextmanager
    def listening(self) -> Iterator[list[Exchange]]:
        """A list of what is said within the block, filled at its end."""
        heard: list[Exchange] = []
        start = len(self.exchanges)
        yield heard
        heard += self.exchanges[start:]

    def sent(self, client: str, requests: list[list[bytes]]) -> list[Exchange]:
        """Requests that leave together."""
        trip = next(self._trips)
        now = time.perf_counter()
        exchanges = [Exchange(client, argv, trip, sent_at=now) for argv in requests]
        with self._changed:
            self.exchanges += [each for each in exchanges if each.name not in HANDSHAKE]
            self._changed.notify_all()
        return exchanges

    def answered(self, exchange: Exchange, reply: Any) -> None:
        """The reply to one of them."""
        with self._changed:
            exchange.reply = reply
            exchange.answered_at = time.perf_counter()
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Until *condition* holds, asked again at each command and reply. Raises ``TimeoutError`` if it never does."""
        with self._changed:
            if not self._changed.wait_for(condition, PATIENCE):
                raise TimeoutError("what the tour waits for does not happen")

    def command(self, exchange: Exchange) -> str:
        """The command in one line."""
        argv = [self._scripts.get(each, "") or text_of(each) for each in exchange.argv]
        return " ".join(word or '""' for word in argv)


def _overheard(kind: Any, wire: Wire, name: str) -> Any:
    class Overheard(kind):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            self._open: deque[Exchange] = deque()
            super().__init__(*args, **options)

        def connect(self, *args: Any, **options: Any) -> None:
            self._open.clear()
            super().connect(*args, **options)

        def send_packed_command(self, packed: Any, *args: Any, **options: Any) -> None:
            if not self._sock:
                self.connect()  # first, so that its handshake is not taken for what follows
            exchanges = wire.sent(name, requests_of(packed if isinstance(packed, bytes) else b"".join(packed)))
            self._open += exchanges
            super().send_packed_command(packed, *args, **options)

        def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                reply = super().read_response(*args, **options)
            except redis.ResponseError as error:
                self._note(error)
                raise
            self._note(reply)
            return reply

        def _note(self, reply: Any) -> None:
            if self._open:
                wire.answered(self._open.popleft(), reply)

    return Overheard


def requests_of(sent: bytes) -> list[list[bytes]]:
    """The commands in these bytes: each an array of bulk strings, as every client sends them."""
    requests, place = [], 0

    def number(sign: bytes) -> int:
        nonlocal place
        end = sent.index(b"\r\n", place)
        if sent[place : place + 1] != sign:
            raise ValueError(f"not a request: {sent[place : place + 20]!r}")
        found, place = int(sent[place + 1 : end]), end + 2
        return found

    while place < len(sent):
        argv = []
        for _ in range(number(b"*")):
            size = number(b"$")
            argv.append(sent[place : place + size])
            place += size + 2
        requests.append(argv)
    return requests


def text_of(data: bytes) -> str:
    """Bytes as a reader can take them in: text as it is, random bytes by their number, long digits shortened."""
    text = _printable(data)
    if text is not None:
        return DIGEST.sub(lambda match: f"{match[0][:6]}…", text)
    for size, begins in HEADERS.items():
        text = _printable(data[size:]) if data.startswith(begins) else None
        if text:
            return f"‹{size} bytes›{text}"
    return f"‹{len(data)} bytes›"


def _printable(data: bytes) -> str | None:
    try:
        text = data.decode().translate(LINES)
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def reply_text(reply: Any) -> str:
    """A reply in one line."""
    match reply:
        case _ if reply is WAITS:
            return "(waits)"
        case None:
            return "(nil)"
        case Exception():
            return f"(error) {reply}"
        case bytes():
            return text_of(reply) or '""'
        case str():
            return text_of(reply.encode()) or '""'
        case dict():
            return "{" + ", ".join(f"{reply_text(key)}: {reply_text(value)}" for key, value in reply.items()) + "}"
        case list() | tuple() | set():
            return "[" + ", ".join(map(reply_text, reply)) + "]"
    return str(reply)
