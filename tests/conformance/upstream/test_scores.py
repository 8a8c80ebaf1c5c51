"""What the reference passes counts; what the target lacks of it has a reason, or stands out."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from conformance.reports.as_json import as_json, from_json
from conformance.results import Case, Kind, Party, Results, Verdict, together
from conformance.upstream import known
from conformance.upstream.known import Reason, Reasons
from conformance.upstream.memory import Memory
from conformance.upstream.runner import UnitResult
from conformance.upstream.scores import Scores, UnitScore, percent
from conformance.upstream.source import Suite
from conformance.upstream.table import show

REAL: Final = Party("redis-7.0", "7.0.15")
ASKED: Final = Party("miniredis")


def result(passed: dict[str, int], failed: dict[str, str] | None = None, incomplete: str = "") -> UnitResult:
    return UnitResult("unit/some", Counter(passed), failed or {}, incomplete, runs=1, seconds=1.5)


def score(
    reference: UnitResult, target: UnitResult, reasons: tuple[Reason, ...] = (), unit: str = "unit/some"
) -> UnitScore:
    return UnitScore(unit, reference, target, Reasons(reasons))


def reason(test: str, why: str = "it is so") -> Reason:
    return Reason("miniredis", "unit/some", test, why)


def test_only_what_the_reference_passes_counts() -> None:
    some = score(result({"A": 1, "B": 1}, {"C": "cannot"}), result({"A": 1, "C": 1}, {"B": "wrong"}))
    assert (some.counted, some.right) == (["A", "B"], 1)
    assert [(lack.test, lack.error) for lack in some.missing()] == [("B", "wrong")]


def test_a_test_that_was_never_reached_is_missing() -> None:
    some = score(result({"A": 1, "B": 1}), result({"A": 1}, incomplete="broken off"))
    assert [lack.error for lack in some.missing()] == ["never reached: broken off"]


def test_a_name_that_several_tests_share_has_to_pass_as_often() -> None:
    some = score(result({"A": 3}), result({"A": 2}))
    assert [lack.error for lack in some.missing()] == ["passed 2 times of 3"]
    assert score(result({"A": 2}), result({"A": 3})).right == 1


def test_what_is_missing_is_explained_or_not() -> None:
    some = score(result({"A": 1, "B": 1}), result({}, {"A": "wrong", "B": "wrong"}), (reason("A"),))
    assert [(lack.test, lack.explained) for lack in some.missing()] == [("A", True), ("B", False)]


def test_a_reason_for_a_test_that_passes_is_stale() -> None:
    some = score(result({"A": 1, "B": 1}), result({"A": 1}, {"B": "wrong"}), (reason("A"), reason("B")))
    assert some.stale() == ["A"]


def test_a_reason_for_a_test_that_this_suite_lacks_is_none_of_its_business() -> None:
    some = score(result({"A": 1}), result({"A": 1}), (reason("Of another version"),))
    assert some.stale() == []


@pytest.mark.parametrize(
    ("target", "reasons", "accounted_for"),
    [
        (result({"A": 1}), (), True),
        (result({}, {"A": "wrong"}), (), False),
        (result({}, {"A": "wrong"}), (reason("A"),), True),
        (result({"A": 1}), (reason("A"),), False),
    ],
)
def test_a_run_is_in_order_if_all_that_is_missing_has_a_reason_that_holds(
    target: UnitResult, reasons: tuple[Reason, ...], accounted_for: bool
) -> None:
    scores = Scores("7.0.15", REAL, ASKED, [score(result({"A": 1}), target, reasons)])
    assert scores.accounted_for is accounted_for


def test_a_run_that_asked_nothing_is_not_in_order() -> None:
    assert not Scores("7.0.15", REAL, ASKED).accounted_for


def test_every_test_becomes_a_case_of_the_reports() -> None:
    some = score(result({"A": 1, "B": 1}, {"C": "cannot"}), result({"A": 1}, {"B": "wrong"}), (reason("B"),))
    cases = {case.title: case for case in some.cases()}
    assert {title: case.verdict for title, case in cases.items()} == {
        "A": Verdict.AGREES,
        "B": Verdict.DIFFERS,
        "C": Verdict.SKIPPED,
    }
    assert cases["B"].reason == "it is so\nwrong"
    assert {(case.kind, case.family) for case in cases.values()} == {(Kind.UPSTREAM, "unit/some")}


def test_the_suite_s_results_stand_beside_those_of_other_runs() -> None:
    some = score(result({"A": 1, "B": 1}), result({"A": 1}, {"B": "wrong"}))
    started = datetime(2030, 1, 2, tzinfo=UTC)
    of_the_suite = Scores("7.0.15", REAL, ASKED, [some]).results(started, 3.0)
    case = Case(Kind.SCENARIO, "lists", "LPUSH", Verdict.AGREES, steps=4)
    both = together([Results(REAL, ASKED, "7", started, 2.0, [case]), of_the_suite])
    assert [each.title for each in both.cases] == ["LPUSH", "A", "B"]
    assert (both.seconds, both.seed, both.tally().right, both.tally().asked) == (5.0, "7", 2, 3)
    assert from_json(as_json(both)) == both
    with pytest.raises(ValueError, match="different targets"):
        together([both, Results(REAL, REAL, "7", started)])


def test_percents_are_never_rounded_up() -> None:
    assert (percent(1999, 2000), percent(1, 1), percent(0, 0)) == (99.9, 100.0, 0.0)


def test_the_figures_and_every_missing_test_are_printed_and_written() -> None:
    some = score(result({"A": 1, "B": 1, "C": 1, "D": 1}), result({"A": 1, "D": 1}, {"B": "wrong", "C": "bad"}))
    some.reasons = Reasons((reason("B", "there is [none]"), reason("D")))
    scores = Scores("7.0.15", REAL, ASKED, [some])
    shown = io.StringIO()
    show(scores, Console(file=shown, width=100))
    text = shown.getvalue()
    assert "unit/some" in text
    assert "50.0" in text
    for line in ("missing unit/some: B\n        there is [none]", "missing unit/some: C\n        unexplained: bad"):
        assert line in text
    assert "stale unit/some: D" in text
    data = json.loads(json.dumps(scores.as_json()))
    assert (data["counted"], data["right"], data["percent"]) == (4, 2, 50.0)
    assert data["units"][0]["missing"] == [
        {"test": "B", "reason": "there is [none]", "error": "wrong"},
        {"test": "C", "reason": None, "error": "bad"},
    ]
    assert data["units"][0]["stale"] == ["D"]


def test_reasons_are_read_by_server(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text('[[miniredis]]\nunit = "unit/some"\ntests = ["A", "B"]\nreason = """\nno children\n"""\n')
    reasons = known.read(path, "miniredis")
    assert reasons.why("unit/some", "B") == "no children"
    assert reasons.why("unit/other", "B") == ""
    assert known.read(path, "valkey-9.1").why("unit/some", "B") == ""


def test_the_reasons_that_are_kept_can_be_read() -> None:
    known.read(known.KNOWN, "miniredis")


def test_what_the_reference_passes_is_remembered_by_suite_unit_and_server(
    tmp_path: Path, write_suite: Callable[..., Suite]
) -> None:
    memory = Memory(tmp_path, write_suite(some="test One {}"), "redis-7.0-7.0.15")
    assert memory.recall("unit/some") is None
    kept = result({"A": 2, "B": 1}, {"C": "cannot"})
    memory.remember(kept)
    assert memory.recall("unit/some") == kept
    assert memory.recall("unit/other") is None
    assert Memory(tmp_path, write_suite(some="test One {}"), "redis-7.0-7.0.16").recall("unit/some") is None
    assert Memory(tmp_path, write_suite(some="test Two {}"), "redis-7.0-7.0.15").recall("unit/some") is None


def test_what_cannot_be_read_is_not_remembered(tmp_path: Path, write_suite: Callable[..., Suite]) -> None:
    memory = Memory(tmp_path, write_suite(some=""), "redis-7.0")
    memory.remember(result({"A": 1}))
    (path,) = tmp_path.glob("results/*/*/*.json")
    path.write_text('{"unit": ')
    assert memory.recall("unit/some") is None
