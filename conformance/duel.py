"""Two servers given the same commands: a reference that is right by definition, and a target that has to match it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Self

from conformance.exchange import (
    Report,
)
from conformance.play import Play
from conformance.scenario import Scenario
from conformance.servers import Server
from conformance.side import Side
from conformance.state import align_encodings, align_scores, differences, snapshot
from conformance.versions import Version


class Duel:
    """A reference and a target, ready to be given the same commands."""

    def __init__(self, reference: Server, target: Server) -> None:
        with ExitStack() as opened:
            self._reference = Side(reference)
            opened.callback(self._reference.close)
            self._target = Side(target)
            opened.callback(self._target.close)
            self.reference, self.target = reference, target
            self.sides = (self._reference, self._target)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._opened.close()

    def play(self, scenario: Scenario, protocol: int, versions: tuple[Version, Version] | None = None) -> Report:
        """Run the scenario on both sides, from empty datasets, each connection speaking RESP2 or RESP3.

        *versions* are those of reference and target, if they are two: then what is recorded to differ between them is
        declared.
        """
        report = self.begin(str(scenario), protocol)
        play = Play(self._reference, self._target, protocol, versions)
        try:
            for step in scenario.steps:
                report.exchanges.append(play.step(step))
                if play.is_lost:
                    break
            report.exchanges += play.left_over()
            self.compare_datasets(report, versions)
        finally:
            self.end()
        return report

    def begin(self, title: str, protocol: int) -> Report:
        """Empty both sides, to play something on them; what comes of it goes into the report."""
        for side in self.sides:
            side.begin()
        return Report(title, self._reference.server.name, self._target.server.name, protocol)

    def end(self) -> None:
        """Close the connections of what was played, and put back the settings that it changed."""
        for side in self.sides:
            side.end()

    def compare_datasets(self, report: Report, versions: tuple[Version, Version] | None = None) -> None:
        """Look into both datasets and report how they differ."""
        reference, target = snapshot(self._reference.control), snapshot(self._target.control)
        if versions is not None:
            report.declared_state += align_encodings(reference, target, versions)
            report.declared_state += align_scores(reference, target, versions)
        differing = list(differences(reference, target))
        if any(exchange.declared for exchange in report.exchanges):
            # Both did what is recorded for them, and that was not the same: so is what is left of it.
            report.declared_state += differing
        else:
            report.state += differing
