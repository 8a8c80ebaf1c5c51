"""Generated commands of one family after another have the same effects as on a real server.

``MINIREDIS_EXAMPLES`` is the number of runs per family, reference and protocol: few in the daily run, which always
tries the same ones. Many, and others, are for ``python -m conformance --only commands``. A failure names the seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Final

import pytest

from conformance.duel import Duel
from conformance.generated.families import Vocabulary, family_names
from conformance.generated.runs import Runs
from conformance.reports.as_text import transcript
from conformance.results import Verdict
from conformance.servers import Server

EXAMPLES: Final = int(os.environ.get("MINIREDIS_EXAMPLES", "3"))
SEED: Final = os.environ.get("MINIREDIS_SEED", "daily")


@pytest.fixture(scope="session")
def vocabulary_of() -> Callable[[Server], Vocabulary]:
    """What a server can be asked, read once."""
    return cache(Vocabulary)


@pytest.mark.parametrize("family", family_names())
def test_generated_commands_have_the_effects_they_have_on_the_reference(
    duel: Duel, protocol: int, family: str, vocabulary_of: Callable[[Server], Vocabulary]
) -> None:
    vocabulary = vocabulary_of(duel.reference)
    if family not in vocabulary.family_names():
        pytest.skip("the reference has nothing of this family that the command table describes")
    runs = Runs(duel, vocabulary, family, protocol)
    for number in range(EXAMPLES):
        case = runs.case(f"{SEED}/{number}")
        assert case.verdict is Verdict.AGREES, (
            f"{case.name} {case.reason}\n{transcript(case, duel.reference.name, duel.target.name)}"
        )
