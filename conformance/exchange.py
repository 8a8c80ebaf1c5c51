"""What was exchanged with two servers, and whether their answers agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.freedoms import freedom_of
from conformance.side import Name, Outcome
from conformance.wire import Frame
from miniredis.resp import OK, QUEUED

ENCODING_WITHOUT_ORDER: Final = b"hashtable"


@dataclass(frozen=True)
class Exchange:
    """One step with what it led to on the reference and on the target."""

    line: str
    reference: Outcome
    target: Outcome
    agree: bool
    declared: str = ""
    """If they do not agree: since when (``since redis-7.2``), where both are right for the version that they are."""

    @property
    def is_right(self) -> bool:
        """Whether they agree, or differ as is declared."""
        return self.agree or bool(self.declared)


@dataclass
class Report:
    """The course of a scenario on both servers."""

    title: str
    reference: str
    target: str
    protocol: int
    exchanges: list[Exchange] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    """How the datasets differ at the end."""
    declared_state: list[str] = field(default_factory=list)
    """How they differ where that is declared: see ``versions.py``."""

    @property
    def agree(self) -> bool:
        """Whether nothing differs that is not declared."""
        return not self.state and all(exchange.is_right for exchange in self.exchanges)

    def __str__(self) -> str:
        """The session as redis-cli shows it, both answers under each command on which they differ."""
        lines = [f"{self.title}  ({self.reference} and {self.target}, RESP{self.protocol})", ""]
        for exchange in self.exchanges:
            lines.append("> " + exchange.line)
            if exchange.agree:
                lines += _indented(str(exchange.reference), 4)
                continue
            if exchange.declared:
                lines.append(f"  {exchange.declared}:")
            for name, outcome in ((self.reference, exchange.reference), (self.target, exchange.target)):
                lines += [f"  ! {name}:", *_indented(str(outcome), 6)]
                lines += _indented("\n".join(repr(frame.raw) for frame in outcome.all_frames), 6)
        if self.state:
            lines += ["", f"The datasets afterwards ({self.reference} / {self.target}):"]
            lines += ["    " + difference for difference in self.state]
        return "\n".join(lines)


def _indented(text: str, width: int) -> list[str]:
    return [" " * width + line for line in text.splitlines()]


def depends_on_encoding(argv: Sequence[bytes]) -> bool:
    freedom = freedom_of(argv)
    return freedom is not None and freedom.fixed_when_compact and len(argv) > 1


def has_order(encoding: Frame | None) -> bool:
    """By the reply to OBJECT ENCODING."""
    return encoding is not None and type(encoding.value) is bytes and encoding.value != ENCODING_WITHOUT_ORDER


def may_be_a_set(argv: Sequence[bytes]) -> bool:
    return argv[0].upper() in (b"SMEMBERS", b"SORT", b"SORT_RO")


def same_bytes(left: Outcome, right: Outcome) -> bool:
    return left.frame is not None and right.frame is not None and left.frame.raw == right.frame.raw


class Transactions:
    """What the transaction of each client has queued."""

    def __init__(self) -> None:
        self._queued: dict[Name, list[tuple[bytes, ...]]] = {}

    def executed_by(self, client: Name, argv: Sequence[bytes]) -> Sequence[Sequence[bytes]]:
        """The commands whose replies are the parts of the reply to ``argv``, if that is EXEC."""
        return self._queued.get(client, ()) if argv and argv[0].upper() == b"EXEC" else ()

    def follow(self, client: Name, argv: tuple[bytes, ...], reply: Frame) -> None:
        """Take notice of the reply to a command."""
        name = argv[0].upper() if argv else b""
        if name == b"MULTI" and reply.value == OK:
            self._queued[client] = []
        elif reply.value == QUEUED and client in self._queued:
            self._queued[client].append(argv)
        elif name in (b"EXEC", b"DISCARD", b"RESET"):
            self._queued.pop(client, None)
