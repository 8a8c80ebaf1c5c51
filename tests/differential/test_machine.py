"""Several connections block, serve, watch, subscribe, kill and leave each other as on a real server.

``MINIREDIS_EXAMPLES`` is the number of examinations per reference, of some hundred replies each; the long way is
``python -m conformance --only machine``. A failure names the seed.
"""

from __future__ import annotations

import os
from typing import Final

from conformance.duel import Duel
from conformance.generated.families import Vocabulary
from conformance.generated.machine import Machine
from conformance.reports.as_text import transcript
from conformance.results import Verdict

EXAMPLES: Final = int(os.environ.get("MINIREDIS_EXAMPLES", "40"))
SEED: Final = os.environ.get("MINIREDIS_SEED", "daily")


def test_connections_do_to_each_other_what_they_do_on_the_reference(duel: Duel) -> None:
    machine = Machine(duel, Vocabulary(duel.reference))
    for number in range(EXAMPLES):
        case = machine.case(f"{SEED}/{number}")
        assert case.verdict is Verdict.AGREES, (
            f"{case.name} {case.reason}\n{transcript(case, duel.reference.name, duel.target.name)}"
        )
