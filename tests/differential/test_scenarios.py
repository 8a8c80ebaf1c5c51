"""Every scenario of ``conformance/scenarios`` gives the same replies and leaves the same dataset as a real server.

One family, or one reference: ``pytest tests/differential -k "strings and redis-7.0"``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest

from conformance.duel import Duel
from conformance.scenario import Scenario, load_all
from conformance.servers import REFERENCES

FAMILIES_TO_COME: Final[frozenset[str]] = frozenset()
"""Families that miniredis does not have yet. Their scenarios are collected only when real servers are compared with
each other, which keeps them right."""


def families_left_out() -> frozenset[str]:
    """The families that the server under test is not asked about."""
    return FAMILIES_TO_COME if os.environ.get("MINIREDIS_TARGET", "miniredis") == "miniredis" else frozenset()


def cases() -> Iterator[Any]:
    """Each scenario with each reference and protocol that it is for."""
    for reference in REFERENCES:
        for protocol in (2, 3):
            for scenario in load_all():
                if scenario.family not in families_left_out() and scenario.applies_to(reference, protocol):
                    yield pytest.param(reference, protocol, scenario, id=f"{reference}-resp{protocol}-{scenario}")


@pytest.mark.parametrize(("reference", "protocol", "scenario"), list(cases()), indirect=["reference", "protocol"])
def test_scenario_plays_as_on_the_reference(duel: Duel, protocol: int, scenario: Scenario) -> None:
    report = duel.play(scenario, protocol)
    assert report.agree, str(report)
