"""Which commands there are to ask about, and which of them a line of a transcript is.

A server lists its own (COMMAND DOCS, since Redis 7.0; COMMAND before). Containers are left out where their
subcommands are named: ``CONFIG GET`` is asked about, ``CONFIG`` is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp import Error, Reply

UNGROUPED = "other"
"""The group of the commands of a server that does not tell."""


def vocabulary(server: Server) -> dict[str, str]:
    """Every command and subcommand of the server (``SET``, ``CONFIG GET``) → its group (``string``), by name."""
    with server.connect() as wire:
        named = _documented(wire) or dict.fromkeys(_listed(wire), UNGROUPED)
    return dict(sorted(named.items()))


def name_of(argv: Sequence[bytes], known: Mapping[str, str]) -> str:
    """The command that *argv* is, as *known* lists it; empty for one that is not there."""
    words = [word.decode("latin-1").upper() for word in argv[:2]]
    return next((name for name in (" ".join(words), *words[:1]) if name in known), "")


def _documented(wire: Wire) -> dict[str, str]:
    reply = wire.call("COMMAND", "DOCS").value
    named: dict[str, str] = {}
    for name, about in _entries(reply).items():
        group = about.get(b"group", UNGROUPED.encode()).decode()
        subcommands = _entries(about.get(b"subcommands", []))
        for each in subcommands or {name: about}:
            named[each.decode().replace("|", " ").upper()] = group
    return named


def _entries(reply: Reply) -> dict[bytes, dict[bytes, bytes]]:
    """Name → what is said about it, from the flat lists that maps are in RESP2."""
    if isinstance(reply, Error) or not isinstance(reply, list):
        return {}
    return {name: dict(zip(about[::2], about[1::2], strict=False)) for name, about in _in_pairs(reply)}


def _in_pairs(reply: list[Reply]) -> list[tuple[bytes, list[Reply]]]:
    return [
        (name, about)
        for name, about in zip(reply[::2], reply[1::2], strict=False)
        if isinstance(name, bytes) and isinstance(about, list)
    ]


def _listed(wire: Wire) -> list[str]:
    reply = wire.call("COMMAND").value
    return [bytes(each[0]).decode().upper() for each in reply] if isinstance(reply, list) else []
