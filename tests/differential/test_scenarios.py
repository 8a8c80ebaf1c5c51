"""Every scenario of ``conformance/scenarios`` gives the same replies and leaves the same dataset as a real server.

One family: ``pytest tests/differential -k strings``.
"""

from __future__ import annotations

import pytest

from conformance.duel import Duel
from conformance.scenario import Scenario, load_all
from conformance.servers import Server


@pytest.mark.parametrize("scenario", load_all(), ids=str)
def test_scenario_plays_as_on_the_reference(duel: Duel, reference: Server, protocol: int, scenario: Scenario) -> None:
    if not scenario.applies_to(reference.name, protocol):
        pytest.skip(f"not for {reference.name} in RESP{protocol}")
    report = duel.play(scenario, protocol)
    assert report.agree, str(report)
