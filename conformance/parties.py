"""Who takes part: what ``--target`` and ``--reference`` name, made into a server that can be talked to.

The rule of this file: a text is resolved once, into a :class:`Source`, and a source is opened as a context manager,
any number of times. It says what it is by itself; whether the server is started for it or was there before is its
own business.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from conformance.remote import empty, parse_url, refusals, what_it_holds
from conformance.results import Party
from conformance.servers import (
    REFERENCES,
    Server,
    ServerBinary,
    ServerError,
    find_servers,
    identify,
    start,
    start_miniredis,
)
from conformance.wire import Wire
from miniredis.resp import ProtocolError

RECORDED: Final = "recorded"
"""The reference that is no server: the replies recorded in the scenarios."""

NAMES: Final = """\
a URL (redis://[user:password@]host:port, rediss://…, unix:///path), the path of a redis-server or valkey-server,
or a name: miniredis, miniredis@redis-7.2, redis, valkey (the newest found), redis-7.0, valkey-9.1, redis-6.2"""


class Source(Protocol):
    """Something that can be had as a running server."""

    @property
    def name(self) -> str:
        """As it was asked for, without password."""

    @property
    def ours(self) -> bool:
        """Whether the server is started for us, so that it can be started again when it is gone."""

    def open(self, like: Party | None = None) -> AbstractContextManager[Server]:
        """The running server, for the length of the block. *like*: which one to be as, for what can be several."""

    def program(self, like: Party | None = None) -> tuple[list[str], list[str]]:
        """What is run to start such a server, and the options that come behind all others.

        Raises :class:`ServerError` for a server that somebody else starts."""


@dataclass(frozen=True)
class Installed:
    """A real server whose executable is on this machine."""

    binary: ServerBinary
    ours: bool = True

    @property
    def name(self) -> str:
        return self.binary.name

    def open(self, like: Party | None = None) -> AbstractContextManager[Server]:
        return start(self.binary)

    def program(self, like: Party | None = None) -> tuple[list[str], list[str]]:
        return [str(self.binary.path)], []


@dataclass(frozen=True)
class Miniredis:
    """This project's server, as the version *emulate*; by default as the one it is compared with."""

    emulate: str = ""
    ours: bool = True

    @property
    def name(self) -> str:
        return "miniredis" + (f"@{self.emulate}" if self.emulate else "")

    def open(self, like: Party | None = None) -> AbstractContextManager[Server]:
        return start_miniredis(emulate=self._version(like) or None)

    def program(self, like: Party | None = None) -> tuple[list[str], list[str]]:
        version = self._version(like)
        return [sys.executable, "-u", "-m", "miniredis"], ["--emulate", version] if version else []

    def _version(self, like: Party | None) -> str:
        return self.emulate or (nearest(like, emulated_versions()) if like else "")


@dataclass(frozen=True)
class Remote:
    """A server that somebody else runs. *flush*: its owner allows us to delete what it holds."""

    server: Server
    flush: bool = False
    ours: bool = False

    @property
    def name(self) -> str:
        return self.server.address

    @contextmanager
    def open(self, like: Party | None = None) -> Iterator[Server]:
        """Raises :class:`ServerError` if nobody answers there, or it holds something that may not be deleted."""
        server = self._taken_over()
        try:
            yield server
        finally:
            # It was empty, or might be emptied: so it is left. If it is gone, there is nothing to leave.
            with suppress(OSError, ServerError, ProtocolError), server.connect() as wire:
                empty(wire)

    def program(self, like: Party | None = None) -> tuple[list[str], list[str]]:
        raise ServerError(f"{self.name} is started by somebody else: name a server that can be started here")

    def _taken_over(self) -> Server:
        try:
            with self.server.connect() as wire:
                held = what_it_holds(wire)
                if held and not self.flush:
                    raise ServerError(
                        f"{self.name} is not empty ({held}). The suite deletes everything that a server holds: "
                        "name an empty one, or say --flush if all of this may go"
                    )
                empty(wire)
                return replace(self.server, name=_series(_info(wire)) or self.server.name)
        except (OSError, ProtocolError) as error:
            raise ServerError(f"{self.name} cannot be asked: {error}") from None


def named(text: str, *, flush: bool = False) -> Source:
    """What *text* names: a URL, the path of an executable, or a name. Raises :class:`ServerError` if there is no such.

    *flush*: a server named by URL may be emptied even if it holds something.
    """
    if "://" in text:
        return Remote(parse_url(text), flush)
    if text == "miniredis" or text.startswith("miniredis@"):
        emulate = text.partition("@")[2]
        if emulate and emulate not in emulated_versions():
            raise ServerError(f"miniredis is no {emulate}; it can be {', '.join(emulated_versions())}")
        return Miniredis(emulate)
    if "/" in text or "\\" in text:
        binary = identify(Path(text))
        if binary is None:
            raise ServerError(
                f"{text} is no executable of Redis or Valkey. Start another server yourself, and name it by its URL"
            )
        return Installed(binary)
    for binary in find_servers():  # newest first
        if text in (binary.family, binary.name):
            return Installed(binary)
    found = ", ".join(dict.fromkeys(each.name for each in find_servers())) or "no real server"
    raise ServerError(f"there is no {text!r} here. Found: {found}. What can be named: {NAMES}")


def default_reference() -> str:
    """The name of the first of :data:`REFERENCES` that is installed, of the newest server, or :data:`RECORDED`."""
    found = [each.name for each in find_servers()]
    return next((name for name in (*REFERENCES, *found) if name in found), RECORDED)


def describe(server: Server) -> Party:
    """The server as a party of a run, by what it says of itself."""
    with server.connect() as wire:
        info = _info(wire)
    return Party(server.name, _version(info), server.address)


def series(server: Server) -> str:
    """The series that the server says it is (``redis-7.2``, also of a miniredis that plays it), if it says so."""
    with server.connect() as wire:
        return _series(_info(wire))


@cache
def emulated_versions() -> tuple[str, ...]:
    """The servers that miniredis can be, as its own ``--version`` lists them."""
    said = subprocess.run([sys.executable, "-m", "miniredis", "--version"], capture_output=True, text=True, check=True)
    return tuple(re.findall(r"\w+-\d+\.\d+", said.stdout.partition("emulating")[2]))


def nearest(party: Party, versions: tuple[str, ...]) -> str:
    """Of *versions* (``redis-7.0``), the latest of the party's family that is not later than it; else the earliest.

    Empty if none is of that family.
    """
    family, _, series = party.name.partition("-")
    ours = sorted((_numbers(each), each) for each in versions if each.startswith(family + "-"))
    not_later = [name for numbers, name in ours if numbers <= _numbers(party.version or series)[:2]]
    return not_later[-1] if not_later else ours[0][1] if ours else ""


def same_server(one: Server, other: Server) -> bool:
    """Whether both are one and the same process."""
    ids = []
    for server in (one, other):
        with server.connect() as wire:
            ids.append(_info(wire).get("run_id"))
    return ids[0] is not None and ids[0] == ids[1]


def unavailable(server: Server) -> dict[str, str]:
    """What the suite needs of a server and it refuses → its words. The server is empty afterwards, if it can be."""
    with server.connect() as wire:
        return refusals(wire)


def _info(wire: Wire) -> dict[str, str]:
    text = wire.call("INFO", "server").value
    if not isinstance(text, bytes):
        return {}
    return dict(re.findall(r"^(\w+):(.*?)\r?$", text.decode(errors="replace"), re.MULTILINE))


def _version(info: dict[str, str]) -> str:
    return info.get(f"{_family(info)}_version", info.get("redis_version", ""))


def _family(info: dict[str, str]) -> str:
    return info.get("server_name", "redis")


def _series(info: dict[str, str]) -> str:
    version = _version(info)
    return f"{_family(info)}-{'.'.join(version.split('.')[:2])}" if version else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
