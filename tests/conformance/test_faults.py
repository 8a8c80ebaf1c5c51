"""The suite finds what is wrong: each server of ``faults`` has one fault, and each fault is found.

Looked for as anybody would look: the scenarios (those of the fault's own family first, for speed alone), then generated
commands, until something differs from the real server.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.duel import Duel
from conformance.scenario import Scenario, load_all
from conformance.servers import Server, start_miniredis
from tests.conformance.faults.catalogue import FAULTS, Fault

EMULATED = "redis-7.0"


def in_order(family: str) -> Iterator[tuple[Scenario, int]]:
    """Every scenario with each protocol, those of *family* first."""
    scenarios = sorted(load_all(), key=lambda scenario: scenario.family != family)
    for scenario in scenarios:
        for protocol in (2, 3):
            if scenario.applies_to(EMULATED, protocol):
                yield scenario, protocol


def first_difference(reference: Server, target: Server, family: str) -> str | None:
    """What the suite finds first."""
    with Duel(reference, target) as duel:
        for scenario, protocol in in_order(family):
            report = duel.play(scenario, protocol)
            if not report.agree:
                return str(report)
    return None


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_the_fault_is_found(redis_server: Server, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr("conformance.side.DEADLINE", 1.5)  # what never comes is waited for, and these are quick
    program = ("-m", "tests.conformance.faults.server", str(number))
    with start_miniredis(emulate=EMULATED, program=program) as target:
        found = first_difference(redis_server, target, FAULTS[number].family)
    assert found is not None, FAULTS[number].name


def test_there_are_at_least_forty_of_them() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 40


def test_a_fault_that_has_lost_its_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 times"):
        Fault("lost", "strings", "miniredis.cli", "this is nowhere", "").break_source("something else")
