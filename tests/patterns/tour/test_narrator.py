"""The narrator: the code on the wall is the code that runs; a figure that is shown is remembered."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from miniredis import MiniRedis
from patterns.tour.crowd import all_at_once
from patterns.tour.narrator import Narrator, described, height, source_of, spoken
from patterns.tour.stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with MiniRedis() as server:
        stage = Stage(server.url)
        yield stage
        stage.close()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def tell(stage: Stage, out: io.StringIO) -> Narrator:
    return Narrator(Console(file=out, width=80, highlight=False, markup=False), stage)


def test_a_step_shows_its_code_runs_it_and_is_its_result(tell: Narrator, stage: Stage, out: io.StringIO) -> None:
    client = stage.client()

    @tell.step("A counter.")
    def counted() -> int:
        client.set("k", 1)
        # and once more
        return int(client.incr("k"))

    assert counted == 2
    assert out.getvalue().splitlines() == [
        "",
        "1. A counter.",
        '    client.set("k", 1)',
        "    # and once more",
        '    int(client.incr("k"))',
        "    › SET k 1 → OK",
        "    › INCRBY k 1 → 2",
        "    = 2",
    ]


def test_long_traffic_is_cut_short_and_pipelines_are_bracketed(tell: Narrator, stage: Stage, out: io.StringIO) -> None:
    @tell.step("Many.", wire=3)
    def _() -> None:
        pipeline = stage.client().pipeline(transaction=False)
        for number in range(5):
            pipeline.get(f"key:{number}")
        pipeline.execute()

    assert out.getvalue().splitlines()[-3:] == [
        "    ┌ GET key:0 → (nil)",
        "    │ GET key:1 → (nil)",
        "      … and 3 more",
    ]


def test_who_speaks_is_said_if_it_is_another_client(tell: Narrator, stage: Stage, out: io.StringIO) -> None:
    @tell.step("Another.")
    def _() -> None:
        stage.client("rival").get("k")

    assert out.getvalue().splitlines()[-1] == "    › [rival] GET k → (nil)"


def test_a_refusal_has_to_come(tell: Narrator, out: io.StringIO) -> None:
    @tell.refusal("No.", ValueError)
    def words() -> object:
        return int("x")

    assert "invalid literal" in words
    assert "✗ ValueError: invalid literal" in out.getvalue()
    with pytest.raises(AssertionError, match="was expected"):
        tell.refusal("No.", ValueError)(lambda_that_returns)


def lambda_that_returns() -> object:
    return 1


def test_a_definition_is_shown_with_its_decorators(tell: Narrator, out: io.StringIO) -> None:
    def marked(function: object) -> object:
        return function

    @tell.definition("A function.")
    @marked  # type: ignore[arg-type]
    def double(number: int) -> int:
        return 2 * number

    assert double(2) == 4  # type: ignore[operator]
    assert "    @marked" in out.getvalue()
    assert "        return 2 * number" in out.getvalue()


def test_figures_are_shown_and_remembered(tell: Narrator, out: io.StringIO) -> None:
    tell.figure("share", 87.654, "%")
    tell.bars({"many": 1000, "few": 1, "none": 0}, "loads")
    tell.columns("columns", [0, 1, 8], "note")
    assert tell.figures == {"share": 87.654, "many": 1000, "few": 1, "none": 0}
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["share", "87.7", "%"]
    assert lines[2].split()[-2:] == ["1,000", "loads"]
    bars = [line.count("█") for line in lines[2:5]]
    assert bars == [max(bars), 1, 0]
    assert lines[5].endswith(" ▁█  note")


def test_time_passes_and_is_told(tell: Narrator, out: io.StringIO) -> None:
    tell.later(0.001)
    assert "… 0.001 s later …" in out.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.3, "0.3 s"), (60, "1 minute"), (300, "5 minutes"), (3600, "1 hour"), (129600, "1.5 days")]
)
def test_lengths_of_time_in_words(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_whatever_is_above_nothing_is_seen() -> None:
    assert [height(count, 1000) for count in (0, 1, 500, 1000)] == [" ", "▁", "▄", "█"]


def test_results_in_words() -> None:
    assert described((1, "two", object())) == "(1, 'two', <object>)"


def test_two_statements_in_a_line_are_refused() -> None:
    def both() -> None:
        first = 1; second = 2  # noqa: E702, F841  # fmt: skip

    with pytest.raises(ValueError, match="one statement per line"):
        source_of(both)


def test_a_crowd_raises_the_first_error() -> None:
    seen: list[int] = []

    def fail() -> None:
        raise KeyError("one of them")

    with pytest.raises(KeyError, match="one of them"):
        all_at_once([lambda: seen.append(1), fail, lambda: seen.append(2)])
    assert sorted(seen) == [1, 2]
