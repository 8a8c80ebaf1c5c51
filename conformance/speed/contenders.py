"""Who takes part: miniredis, a real server, a bare asyncio server as the ceiling, fakeredis if it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Final

from conformance.servers import Server, ServerBinary, ServerError, find_server, find_servers, start, start_miniredis

MINIREDIS: Final = "miniredis"
ECHO: Final = "asyncio echo"
FAKEREDIS: Final = "fakeredis"
FLOOR: Final = "redis-py on nothing"
OVER_LOOPBACK: Final = "miniredis over loopback"
REAL_SERVER: Final = "real server"
"""Whichever it is, on the loopback interface, as miniredis is there too, where clients in a process are measured."""


def find_real(name: str | None) -> ServerBinary:
    """The real server of that name, or the one that is looked for first. Raises :class:`ServerError` without one."""
    if name is not None:
        binary = find_server(name)
    else:
        binary = find_server("redis-7.0") or next(iter(find_servers()), None)
    if binary is None:
        raise ServerError(f"{name or 'a real server'} was not found on this machine")
    return binary


@contextmanager
def contenders(real: ServerBinary) -> Iterator[dict[str, Server]]:
    """All of them, running, by their names."""
    with ExitStack() as stack:
        servers = {
            MINIREDIS: stack.enter_context(start_miniredis()),
            real.name: stack.enter_context(start(real)),
            ECHO: stack.enter_context(start_miniredis(program=("-m", "conformance.speed.echo"))),
        }
        if find_spec("fakeredis") is not None:
            program = ("-m", "conformance.speed.fakeredis_server")
            servers[FAKEREDIS] = stack.enter_context(start_miniredis(program=program))
        yield {name: replace(server, name=name) for name, server in servers.items()}
