"""What Redis 8.2 brought, beside the real one: a few tests of its own, for the two standing references know none of it.

The rest of what 8.2 answers otherwise is for ``python -m conformance --reference redis-8.2``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import pytest

from conformance.duel import Duel
from conformance.generated.families import Vocabulary
from conformance.generated.runs import Runs
from conformance.recording import PROTOCOLS, Judge
from conformance.reports.as_text import transcript
from conformance.results import Verdict
from conformance.scenario import load_all
from conformance.servers import Server, start_miniredis
from miniredis.engine.config import Config
from miniredis.engine.engine import Engine
from miniredis.engine.table import Command, CommandTable
from miniredis.engine.version import VERSIONS
from miniredis.resp.decoder import ReplyDecoder
from miniredis.resp.encoder import Encoder
from miniredis.resp.types import Reply
from miniredis.structures.numbers import format_double_shortest
from tests.conftest import start_real_server

NAME: Final = "redis-8.2"
SCENARIOS: Final = [scenario for scenario in load_all() if NAME in scenario.tags]
FAMILIES: Final = ("hash", "stream", "bitmap", "string")

VECTOR_SETS: Final = frozenset(
    b"VADD VCARD VDIM VEMB VGETATTR VINFO VISMEMBER VLINKS VRANDMEMBER VREM VSETATTR VSIM".split()
)
"""A type of its own, of a module that is built in: miniredis has none of it."""

VERSION: Final = VERSIONS[NAME]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from start_real_server(NAME)


@pytest.fixture(scope="module")
def miniredis() -> Iterator[Server]:
    with start_miniredis(emulate=NAME) as started:
        yield started


@pytest.fixture(scope="module")
def judges(server: Server, miniredis: Server) -> Iterator[dict[str, Judge]]:
    with Judge(server) as real, Judge(miniredis) as ours:
        yield {"real": real, "miniredis": ours}


def test_there_are_scenarios_of_it() -> None:
    assert len(SCENARIOS) >= 10


@pytest.mark.parametrize("party", ["real", "miniredis"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_scenario_goes_as_recorded(judges: dict[str, Judge], party: str, scenario: object) -> None:
    for protocol in PROTOCOLS:
        report = judges[party].play(scenario, protocol)  # type: ignore[arg-type]
        assert report.agree, str(report)


@pytest.mark.parametrize("family", FAMILIES)
def test_generated_commands_have_the_effects_they_have_there(server: Server, miniredis: Server, family: str) -> None:
    with Duel(server, miniredis) as duel:
        runs = Runs(duel, Vocabulary(server), family, 2)
        cases = [runs.case(f"daily/{number}") for number in range(3)]
    failed = [case for case in cases if case.verdict is Verdict.DIFFERS]
    assert not failed, "\n\n".join(map(transcript, failed))


def test_the_commands_are_those_there_but_for_vector_sets(server: Server) -> None:
    ours = {command.name.encode() for command in CommandTable.for_version(VERSION).all()}
    with server.connect() as wire:
        theirs = set(wire.call("COMMAND", "LIST").value)
    containers = {name for name in ours if b"|" not in name}
    assert theirs - ours == VECTOR_SETS
    assert containers - theirs == set()


def test_command_info_is_that_of_the_real_server(server: Server) -> None:
    session = Engine(VERSION).connect(lambda _: None)
    differing = []
    with server.connect() as wire:
        for command in CommandTable.for_version(VERSION).all():
            theirs = wire.call("COMMAND", "INFO", command.name).raw
            ours = Encoder(2, format_double_shortest).encode(
                session.engine.execute(session, [b"COMMAND", b"INFO", command.name.encode()])
            )
            if about(ours, command) != about(theirs, command):
                differing.append(command.name)
    assert differing == []


def about(raw: bytes, command: Command) -> Reply:
    """What is said of the command itself: the subcommands, which come last, stand in an order that is nobody's."""
    decoder = ReplyDecoder()
    decoder.feed(raw)
    (info,) = decoder.next()
    return info[:-1] if command.subcommands else info


def test_every_directive_has_the_default_of_the_real_server(server: Server) -> None:
    with server.connect() as wire:
        flat = wire.call("CONFIG", "GET", "*").value
    real = dict(zip(flat[::2], flat[1::2], strict=True))
    ours = Config(VERSION).get([b"*"])
    for name in (b"port", b"bind", b"dir", b"save", b"enable-debug-command", b"pidfile", b"logfile"):
        del real[name], ours[name]
    assert ours == real


@pytest.mark.parametrize(
    ("lines", "figure"),
    [
        (["HSET h f 1 g 2", "HPEXPIREAT h 1 FIELDS 1 f"], "expired_subkeys:1"),
        (["HSETEX h PXAT 1 FIELDS 2 f 1 g 2"], "expired_subkeys:2"),
        (["SET k 1", "PEXPIRE k 20", "RESTORE k 0 payload REPLACE"], "expired_keys:1"),
    ],
)
def test_what_is_past_counts_as_expired(server: Server, miniredis: Server, lines: list[str], figure: str) -> None:
    for each in (server, miniredis):
        with each.connect() as wire:
            for line in ("FLUSHALL", "CONFIG RESETSTAT", "DEBUG SET-ACTIVE-EXPIRE 0", *lines[:-1]):
                wire.call(*line.split())
            time.sleep(0.03)
            wire.call(*lines[-1].split())
            counted = wire.call("INFO", "stats").raw
            wire.call("DEBUG", "SET-ACTIVE-EXPIRE", "1")
        assert figure.encode() in counted.split(b"\r\n")
