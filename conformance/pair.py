"""The two servers of a run, kept alive: what dies while it is asked is noticed, named, and started again.

The rule of this file: that a server is gone is a finding like any other, and never the end of a run whose servers are
ours. A server that somebody else runs is not started again: then there is nobody left to ask.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Self

from conformance.duel import Duel
from conformance.exchange import Report
from conformance.parties import RECORDED, Source, describe, same_server, series, unavailable
from conformance.recording import Judge
from conformance.results import Party
from conformance.scenario import Scenario
from conformance.servers import REFERENCES, Server, ServerError
from conformance.versions import Version
from conformance.vocabulary import vocabulary


class ServerGoneError(ServerError):
    """A server that does not answer any more and cannot be started again."""


class Seat:
    """One server of the pair: where it comes from, and it itself while it runs."""

    def __init__(self, role: str, source: Source) -> None:
        self.role = role
        """``target`` or ``reference``."""
        self.source = source
        self._opened = ExitStack()
        self._server: Server | None = None
        self._like: Party | None = None

    @property
    def server(self) -> Server:
        """The running server."""
        assert self._server is not None, "opened first"
        return self._server

    def open(self, like: Party | None = None) -> None:
        """Start it, or connect to it. Raises :class:`~conformance.servers.ServerError`."""
        self._like = like
        self._server = self._opened.enter_context(self.source.open(like))

    def reopen(self) -> None:
        """Start it again. Raises :class:`ServerGoneError` if it is not ours to start, or does not start."""
        if not self.source.ours:
            raise ServerGoneError(f"the {self.role} ({self.source.name}) is gone")
        self.close()
        try:
            self.open(self._like)
        except ServerError as error:
            raise ServerGoneError(f"the {self.role} is gone, and does not start again: {error}") from None

    def close(self) -> None:
        """Stop it if it is ours."""
        self._opened.close()


class Pair:
    """A target and, unless it is judged by recorded replies alone, a reference.

    *recorded_as*: by the replies of which series it is judged where there is no reference; by default, of its own. What
    can be several servers is the first of :data:`REFERENCES` then.
    """

    def __init__(self, target: Source, reference: Source | None, recorded_as: str = "") -> None:
        self._target = Seat("target", target)
        self._reference = Seat("reference", reference) if reference is not None else None
        self._recorded_as = recorded_as
        self._duel: Duel | None = None
        self._judge: Judge | None = None
        self.series = ""
        """The series of the reference, or of the recorded replies: ``redis-7.0``."""
        self.parties: dict[str, Party] = {}
        """``target`` and ``reference`` → what they say they are."""
        self.refused: dict[str, str] = {}
        """What the suite needs and the target or the reference refuses → who, and in which words."""
        self.versions: tuple[Version, Version] | None = None
        """The reference's and the target's, if these are two of which it is known what changed between them."""
        self.known: dict[str, str] = {}
        """Every command of the reference → its group."""

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self._close)
            if self._reference is not None:
                self._reference.open()
                self.parties["reference"] = describe(self._reference.server)
                self.series = self._reference.server.name
            recorded_as = Party(self._recorded_as or REFERENCES[0])
            self._target.open(self.parties.get("reference", recorded_as))
            self.parties["target"] = describe(self._target.server)
            if self._reference is None:
                self.series = self._recorded_as or series(self._target.server)
                if self.series not in REFERENCES:
                    raise ServerError(
                        f"nothing is recorded of {self.series or self._target.source.name}: name one of "
                        + " and ".join(f"{RECORDED}@{version}" for version in REFERENCES)
                    )
                self.parties["reference"] = Party(f"recorded {self.series}", "", "the replies in conformance/scenarios")
            if self._reference is not None and same_server(self._reference.server, self._target.server):
                raise ServerError("the target and the reference are one and the same server")
            for seat in self._seats:
                for what, words in unavailable(seat.server).items():
                    self.refused[what] = f"the {seat.role} answers {words!r}"
            self.known = vocabulary(self._seats[0].server)
            self.versions = _two_versions([seat.server for seat in self._seats])
            opened.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    @property
    def _seats(self) -> list[Seat]:
        """The reference first, if there is one."""
        return [seat for seat in (self._reference, self._target) if seat is not None]

    @property
    def target(self) -> Server:
        """The server that is examined."""
        return self._target.server

    @property
    def reference(self) -> Server | None:
        """The server that is right by definition."""
        return self._reference.server if self._reference is not None else None

    @property
    def duel(self) -> Duel:
        """The duel between the two, begun when it is first asked for. Raises ``OSError`` if a server is gone."""
        if self._duel is None:
            assert self._reference is not None, "there is no duel without a reference"
            self._duel = Duel(self._reference.server, self._target.server)
        return self._duel

    @property
    def judge(self) -> Judge:
        """The target, to be judged by recorded replies; begun when it is first asked for."""
        if self._judge is None:
            self._judge = Judge(self._target.server, Version.parse(self.series))
        return self._judge

    def play(self, scenario: Scenario, protocol: int) -> Report:
        """Play a scenario on the target, and on the reference if there is one."""
        if self._reference is None:
            return self.judge.play(scenario, protocol)
        return self.duel.play(scenario, protocol, self.versions)

    def missing(self) -> list[str]:
        """Who does not answer any more, the reference first."""
        return [seat.role for seat in self._seats if not seat.server.answers()]

    def last_lines(self, role: str) -> str:
        """The last lines that the server printed."""
        return next(seat.server.last_lines() for seat in self._seats if seat.role == role)

    def revive(self) -> None:
        """Begin afresh: new connections, and new servers for those who are gone. Raises :class:`ServerGoneError`."""
        self._end_duel()
        for seat in self._seats:
            if not seat.server.answers():
                seat.reopen()

    def _end_duel(self) -> None:
        begun = [each for each in (self._duel, self._judge) if each is not None]
        self._duel = self._judge = None
        for each in begun:
            # It puts settings back on its way out, which a server that is gone does not take.
            with suppress(OSError, ValueError, AssertionError):
                each.__exit__(None, None, None)

    def _close(self) -> None:
        self._end_duel()
        for seat in self._seats:
            seat.close()


def _two_versions(servers: list[Server]) -> tuple[Version, Version] | None:
    try:
        reference, target = (Version.parse(series(server)) for server in servers)
    except ValueError:  # another kind of server, or one server alone
        return None
    return (reference, target) if reference != target else None
