"""Every scenario of ``conformance/scenarios`` gives the same replies and leaves the same dataset as a real server.

One family, or one reference: ``pytest tests/differential -k "strings and redis-7.0"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest

from conformance.duel import Duel
from conformance.scenario import Scenario, load_all
from conformance.servers import REFERENCES


def cases() -> Iterator[Any]:
    """Each scenario with each reference that it is for, by turns in one protocol and the other.

    Its replies are judged in both protocols by the recordings; here it is for what it leaves behind, which no protocol
    changes. ``python -m conformance`` plays them all in both.
    """
    for number, reference in enumerate(REFERENCES):
        for scenario, protocol in zip(load_all(), cycle((2, 3) if number % 2 == 0 else (3, 2))):
            applying = next((each for each in (protocol, 5 - protocol) if scenario.applies_to(reference, each)), None)
            if applying is not None:
                yield pytest.param(reference, applying, scenario, id=f"{reference}-resp{applying}-{scenario}")


@pytest.mark.parametrize(("reference", "protocol", "scenario"), list(cases()), indirect=["reference", "protocol"])
def test_scenario_plays_as_on_the_reference(duel: Duel, protocol: int, scenario: Scenario) -> None:
    report = duel.play(scenario, protocol)
    assert report.agree, str(report)
