"""BullMQ, the queues of Node.js, all of it in Lua: what it does is in ``node/bullmq.test.js``."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.usefixtures("scripts")
def test_queues_are_worked_on(run_in_node: Callable[[str], None]) -> None:
    run_in_node("bullmq.test.js")
