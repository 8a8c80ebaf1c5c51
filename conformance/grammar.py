"""What a server says about the arguments of its commands: ``COMMAND DOCS`` read into a tree.

The random commands are built from the *reference's* own documentation. So they are exactly those of its version, no
list of commands has to be kept here, and the target's idea of its own syntax plays no part in its examination.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.wire import Wire


@dataclass(frozen=True)
class Argument:
    """One argument, or a group of them, as Redis documents it."""

    name: str
    type: str
    """A value's: ``key``, ``string``, ``integer``, …; ``pure-token``; or a group's: ``oneof``, ``block``."""
    token: bytes | None = None
    optional: bool = False
    multiple: bool = False
    multiple_token: bool = False
    children: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class CommandGrammar:
    """A command (or a subcommand: two words) with its arguments."""

    words: tuple[bytes, ...]
    group: str
    """Redis's name of the family: ``string``, ``sorted-set``, ``generic``, …"""
    arguments: tuple[Argument, ...]
    blocking: bool = False

    @property
    def name(self) -> str:
        return b" ".join(self.words).decode().upper()


def read_grammar(wire: Wire) -> list[CommandGrammar]:
    """Every command of the server, containers replaced by their subcommands. Leaves the connection in RESP3."""
    wire.call("HELLO", "3")
    blocking = {bytes(entry[0]) for entry in wire.call("COMMAND").value if b"blocking" in map(bytes, entry[2])}
    docs = wire.call("COMMAND", "DOCS").value
    return [
        CommandGrammar(words, group, arguments, words[0] in blocking)
        for name, about in sorted(docs.items())
        for words, group, arguments in _commands((name,), about)
    ]


def _commands(
    words: tuple[bytes, ...], about: Mapping[bytes, Any]
) -> Iterator[tuple[tuple[bytes, ...], str, tuple[Argument, ...]]]:
    if b"subcommands" in about:
        for name, subcommand in about[b"subcommands"].items():
            yield from _commands((*words, name.partition(b"|")[2]), subcommand)
    else:
        yield words, about[b"group"].decode(), tuple(map(_argument, about.get(b"arguments", ())))


def _argument(about: Mapping[bytes, Any]) -> Argument:
    flags = {bytes(flag) for flag in about.get(b"flags", ())}
    return Argument(
        name=about[b"name"].decode(),
        type=about[b"type"].decode(),
        token=about.get(b"token"),
        optional=b"optional" in flags,
        multiple=b"multiple" in flags,
        multiple_token=b"multiple_token" in flags,
        children=tuple(map(_argument, about.get(b"arguments", ()))),
    )
