"""Twenty workers in processes of their own, killed with -9 wherever they happen to be: no job is lost."""

from __future__ import annotations

from patterns import Counts
from patterns.bench.proofs.queue import run
from tests.patterns.conftest import Stage


def test_no_job_is_lost_when_workers_are_killed(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    seen = run(stage.url, jobs=600, count=20, kills=60)
    assert seen.lost == 0
    assert seen.left == Counts(0, 0, 0, 0)
    # Twice only what a killed worker had in hand; and half of the kills are meant to hit such a one.
    assert 0 < seen.repeated <= seen.kills
