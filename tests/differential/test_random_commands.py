"""Random commands of one family after another have the same effects as on a real server.

``MINIREDIS_EXAMPLES`` is the number of pipelines per family, reference and protocol: few in the daily run, which always
tries the same ones. Many, and others, are for ``python -m conformance.fuzz``.
"""

from __future__ import annotations

import os
from typing import Final

import pytest

from conformance.duel import Duel
from conformance.fuzz import FAMILIES, Fuzzer

EXAMPLES: Final = int(os.environ.get("MINIREDIS_EXAMPLES", "6"))
SEED: Final = os.environ.get("MINIREDIS_SEED", "daily")


@pytest.mark.parametrize("family", FAMILIES)
def test_random_commands_have_the_effects_they_have_on_the_reference(duel: Duel, protocol: int, family: str) -> None:
    fuzzer = Fuzzer(duel, family, protocol)
    for number in range(EXAMPLES):
        difference = fuzzer.pipeline(f"{SEED}/{number}")
        assert difference is None, str(difference)
