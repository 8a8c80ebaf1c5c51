"""The slow log: the commands that took longest, newest first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from miniredis.engine.record import record

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command

MAX_ARGUMENTS: Final = 32
MAX_ARGUMENT_LENGTH: Final = 128
NEVER: Final = 1 << 63
REDACTED: Final = b"(redacted)"
"""What a handler puts into its ``argv`` in place of a secret, so that neither slow log nor MONITOR shows it."""


@record
class SlowCommand:
    """One entry: *time* in seconds since the epoch, *duration* in microseconds."""

    id: int
    time: int
    duration: int
    argv: list[bytes]
    address: str
    client_name: bytes


class SlowLog:
    """The last commands that took at least ``threshold`` nanoseconds."""

    __slots__ = ("_engine", "_next_id", "entries", "threshold")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._next_id = 0
        self.entries: deque[SlowCommand] = deque()
        self.threshold = NEVER
        self.configure()

    def configure(self) -> None:
        """Take over ``slowlog-log-slower-than`` (microseconds, negative for never) and ``slowlog-max-len``."""
        slower_than = self._engine.config.slowlog_log_slower_than
        self.threshold = NEVER if slower_than < 0 else slower_than * 1000
        self._trim()

    def add(self, session: Session, command: Command, argv: list[bytes], nanoseconds: int) -> None:
        """Enter a command, unless it is one that never is."""
        if command.skip_slowlog:
            return
        entry = SlowCommand(
            id=self._next_id,
            time=self._engine.now // 1000,
            duration=nanoseconds // 1000,
            argv=_shortened(argv),
            address=session.address,
            client_name=session.name,
        )
        self._next_id += 1
        self.entries.appendleft(entry)
        self._trim()

    def reset(self) -> None:
        """Forget all entries; ids go on."""
        self.entries.clear()

    def _trim(self) -> None:
        while len(self.entries) > max(self._engine.config.slowlog_max_len, 0):
            self.entries.pop()


def _shortened(argv: list[bytes]) -> list[bytes]:
    """What Redis keeps of a command: 32 arguments, 128 bytes of each, and how much more there was."""
    kept = argv if len(argv) <= MAX_ARGUMENTS else argv[: MAX_ARGUMENTS - 1]
    shortened = [
        argument
        if len(argument) <= MAX_ARGUMENT_LENGTH
        else argument[:MAX_ARGUMENT_LENGTH] + b"... (%d more bytes)" % (len(argument) - MAX_ARGUMENT_LENGTH)
        for argument in kept
    ]
    if len(kept) < len(argv):
        shortened.append(b"... (%d more arguments)" % (len(argv) - len(kept)))
    return shortened
