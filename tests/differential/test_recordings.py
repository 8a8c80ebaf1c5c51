"""What is recorded in the scenarios is true, and miniredis is right by it.

The real servers prove the recordings, each by its own version's; miniredis is judged by them as every version that it
can be, also where no real server is at hand. One family: ``pytest tests/differential/test_recordings.py -k strings``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from itertools import cycle
from typing import Final

import pytest

from conformance.duel import Duel
from conformance.recording import PROTOCOLS, Judge
from conformance.scenario import load_all
from conformance.servers import REFERENCES, Server, start_miniredis
from conformance.versions import Version

EMULATED: Final = ("redis-7.0", "redis-7.2", "valkey-9.1")

NEVER_RECORDED: Final = {
    "acl: ACL SETUSER, GETUSER, LIST, USERS and DELUSER": "Redis 7.2 tells of sanitize-payload, Valkey does not",
    "serialization: RESTORE FREQ and RESTORE-ASKING": "the version of RDB, as below",
    "bitmaps: BITCOUNT of a start alone": "Redis 7.2 looks at the arguments before the key, and wants an end",
    "connection: CLIENT INFO and LIST": "Redis 7.2 has more fields than 7.0, and less than Valkey",
    "connection: CLIENT INFO: the state of a connection": "the same",
    "connection: RESET": "the same",
    "serialization: DUMP and RESTORE of each type": "the version of RDB is 10 in Redis 7.0, 11 in 7.2, 80 in Valkey",
    "server: CLIENT HELP": "Redis 7.2 has more lines than 7.0, and less than Valkey",
    "sorted_sets: ZADD, ZSCORE, ZMSCORE, ZCARD": "Redis 7.2 prints as Valkey and reads 0x10 as Redis 7.0",
}
"""Scenarios in which Redis 7.2 is like neither of the servers that are recorded, and why."""


SCENARIOS: Final = load_all()
FAMILIES: Final = sorted({scenario.family for scenario in SCENARIOS})


@pytest.fixture(scope="session")
def judges(request: pytest.FixtureRequest) -> Iterator[Callable[[str, bool], Judge]]:
    """The judge of a real server or of miniredis as one, by its version: begun when first asked for."""
    with ExitStack() as started:

        @cache
        def judge(version: str, real: bool) -> Judge:
            server: Server
            if real:
                server = request.getfixturevalue({"redis-7.0": "redis_server", "valkey-9.1": "valkey_server"}[version])
            else:
                server = started.enter_context(start_miniredis(emulate=version))
            return started.enter_context(Judge(server, Version.parse(version)))

        yield judge


def wrong(judge: Judge, family: str, left_out: Collection[str] = (), protocols: Sequence[int] = PROTOCOLS) -> list[str]:
    """The course of each of the family's scenarios that does not go as recorded for that version."""
    reports = [
        judge.play(scenario, protocol)
        for scenario in SCENARIOS
        for protocol in protocols
        if scenario.family == family
        and scenario.applies_to(str(judge.version), protocol)
        and str(scenario) not in left_out
    ]
    return [str(report) for report in reports if not report.agree]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("version", REFERENCES)
def test_the_recording_is_true(judges: Callable[[str, bool], Judge], version: str, family: str) -> None:
    reports = wrong(judges(version, True), family)
    assert not reports, "\n\n".join(reports)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("version", EMULATED)
def test_miniredis_answers_as_recorded(judges: Callable[[str, bool], Judge], version: str, family: str) -> None:
    between = version == "redis-7.2"  # in each family one protocol is enough to show that it is between the others
    protocols = (PROTOCOLS[FAMILIES.index(family) % 2],) if between else PROTOCOLS
    reports = wrong(judges(version, False), family, NEVER_RECORDED if between else (), protocols)
    assert not reports, "\n\n".join(reports)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_difference_of_the_two_real_servers_is_declared(
    redis_server: Server, valkey_server: Server, family: str
) -> None:
    """In their replies, which the recordings prove as well, and in the datasets, whatever the protocol: so one each."""
    versions = (Version.parse("redis-7.0"), Version.parse("valkey-9.1"))
    scenarios = [scenario for scenario in SCENARIOS if scenario.family == family]
    with Duel(redis_server, valkey_server) as duel:
        reports = [
            duel.play(scenario, protocol, versions)
            for scenario, protocol in zip(scenarios, cycle(PROTOCOLS))
            if all(scenario.applies_to(str(version), protocol) for version in versions)
        ]
    undeclared = [report for report in reports if not report.agree]
    assert not undeclared, "\n\n".join(map(str, undeclared))
    declared = {exchange.declared for report in reports for exchange in report.exchanges}
    assert declared <= {"", "since redis-7.2", "since valkey-9.1"}
