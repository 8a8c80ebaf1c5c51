"""``python -m conformance speed``: ratios within rounds, targets, reports. What is measured is no matter of a test."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.servers import Server, ServerError, start_miniredis
from conformance.speed import command, growth, load, told
from conformance.speed.contenders import ECHO, MINIREDIS, find_real
from conformance.speed.figures import Figures, Ratio
from conformance.speed.load import Workload, requests_per_second
from conformance.speed.parts import PARTS, Bench
from conformance.speed.targets import REAL, Target


def figures(**values: list[float]) -> Figures:
    made = Figures(units={"unpipelined": "requests a second"})
    for contender, rounds in values.items():
        for value in rounds:
            made.add("unpipelined", "GET", contender.replace("_", " "), value)
    return made


def test_a_ratio_is_taken_within_each_round() -> None:
    # The second round was slow for both: the ratio of the medians would say 1.
    ratio = figures(miniredis=[80, 20, 80], redis=[100, 80, 160]).ratio("unpipelined", "GET", "miniredis", "redis")
    assert ratio is not None
    assert (ratio.median, ratio.smallest, ratio.largest) == (0.5, 0.25, 0.8)


def test_there_is_no_ratio_to_who_did_not_take_part() -> None:
    assert figures(miniredis=[1]).ratio("unpipelined", "GET", "miniredis", "redis") is None


@pytest.mark.parametrize(
    ("ours", "at_most", "reached", "worse"),
    [
        ([90, 90, 90], False, True, False),
        ([70, 70, 70], False, False, False),
        ([30, 30, 39], False, False, True),
        ([30, 30, 41], False, False, False),
        ([70, 70, 70], True, True, False),
        ([90, 90, 90], True, False, False),
        ([170, 170, 165], True, False, True),
        ([170, 170, 155], True, False, False),
    ],
)
def test_a_target_is_reached_by_the_median_and_grossly_worse_is_what_is_so_in_all_rounds(
    ours: list[float], at_most: bool, reached: bool, worse: bool
) -> None:
    target = Target("unpipelined", ("GET",), REAL, 0.8, at_most=at_most)
    ((workload, ratio),) = target.measured(figures(miniredis=ours, redis=[100, 100, 100]), "redis")
    assert workload == "GET"
    assert (target.is_reached(ratio), target.is_grossly_worse(ratio, Ratio(0.8, 0.1, 7))) == (reached, worse)


def test_what_is_no_ratio_is_never_grossly_worse() -> None:
    assert not Target("start", (), "", 60, at_most=True).is_grossly_worse(Ratio(900, 900, 900), Ratio(50, 50, 50))


def test_a_target_without_another_one_is_a_value_in_the_unit_of_its_part() -> None:
    target = Target("unpipelined", ("GET",), "", 100)
    assert [ratio.median for _, ratio in target.measured(figures(miniredis=[90, 110, 120]), "redis")] == [110]
    assert str(target) == "≥ 100"


def test_results_can_be_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = figures(miniredis=[80, 20, 80], redis_7=[100, 80, 160], asyncio_echo=[100, 100, 100])
    path = tmp_path / "speed.json"
    path.write_text(json.dumps({"real": "redis 7", "machine": "a machine", **made.as_json()}))
    assert main(["speed", "--show", str(path), "--html", str(tmp_path / "speed.html")]) == 0
    shown = capsys.readouterr().out
    assert "a machine" in shown
    assert "0.50 (0.25–0.80)" in shown
    page = (tmp_path / "speed.html").read_text()
    assert page.count("<rect") == 3
    assert "≥ 0.75 × asyncio echo" in page


def test_a_ratio_that_is_twice_as_bad_as_before_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, now = tmp_path / "before.json", tmp_path / "now.json"
    made = figures(miniredis=[80, 20, 80], redis_7=[100, 80, 160], asyncio_echo=[100, 100, 100])
    before.write_text(json.dumps({"real": "redis 7", "machine": "a machine", **made.as_json()}))
    words = ["speed", "--show", str(now), "--check", str(before)]
    for slow, code in ((60, 0), (41, 0), (10, 1)):
        made.values["unpipelined", "GET", MINIREDIS] = [10, 10, slow]
        now.write_text(json.dumps({"real": "redis 7", "machine": "a machine", **made.as_json()}))
        assert main(words) == code
    told = capsys.readouterr().err
    assert "unpipelined, GET: 0.10 (0.10–0.10) × asyncio echo, before 0.80 (0.20–0.80)" in told
    assert "unpipelined, GET: 0.10 (0.06–0.12) × redis 7, before 0.50 (0.25–0.80)" in told


def test_what_seems_far_worse_is_measured_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "before.json"
    made = figures(miniredis=[100], asyncio_echo=[100], redis_7=[100])
    before.write_text(json.dumps({"real": "redis 7", "machine": "a machine", **made.as_json()}))
    measured: list[list[str]] = []
    slowness = iter([(10, 90), (10, 10)])

    def measure(options: argparse.Namespace, parts: list[str]) -> tuple[Figures, dict[str, str]]:
        measured.append(parts)
        ours = next(runs)
        return figures(miniredis=[ours], asyncio_echo=[100]), {"real": "redis 7", "machine": "a machine"}

    monkeypatch.setattr(command, "_measure", measure)
    for rounds, code in zip(slowness, (0, 1), strict=True):
        measured.clear()
        runs = iter(rounds)
        assert main(["speed", "--only", "unpipelined", "--only", "start", "--check", str(before)]) == code
        assert measured == [["unpipelined", "start"], ["unpipelined"]]
    assert "measured again: unpipelined\n" in capsys.readouterr().err


def test_what_was_measured_beside_another_server_is_no_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "before.json", tmp_path / "now.json"]
    for path, real in zip(paths, ("valkey-9.1", "redis-7.0"), strict=True):
        path.write_text(json.dumps({"real": real, "machine": "a machine", **figures(miniredis=[1]).as_json()}))
    assert main(["speed", "--show", str(paths[1]), "--check", str(paths[0])]) == 2
    assert "measured beside valkey-9.1, this beside redis-7.0" in capsys.readouterr().err


def test_what_is_no_result_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "speed.json"
    for text in ('{"format": 99, "real": "", "machine": ""}', "no JSON"):
        path.write_text(text)
        assert main(["speed", "--show", str(path)]) == 2
    assert "no result of" in capsys.readouterr().err


def test_a_name_of_no_server_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed", "--reference", "redis-1.0"]) == 2
    assert "redis-1.0" in capsys.readouterr().err


def test_all_take_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "speed.json"
    parts = ["unpipelined", "blocked", "start"]
    options = [word for part in parts for word in ("--only", part)]
    assert main(["speed", "--short", "--rounds", "1", *options, "--json", str(path)]) == 0
    made = Figures.from_json(json.loads(path.read_text()))
    assert made.contenders("unpipelined")[0] == MINIREDIS
    assert ECHO in made.contenders("unpipelined")
    assert all(value > 0 for values in made.values.values() for value in values)
    targets = {
        (target.part, workload) for target, workload, _ in told.outcomes(made, json.loads(path.read_text())["real"])
    }
    blocked = "GET beside 1,000 blocked clients"
    assert {("unpipelined", "GET"), ("blocked", blocked), ("start", "engine, ms")} <= targets


def test_growth_is_what_clients_see_and_what_the_server_takes(redis_server: Server) -> None:
    costs = list(growth.costs(redis_server, large=growth.SMALL))
    assert [cost.structure for cost in costs] == list(growth.STRUCTURES)
    assert {cost.size for cost in costs} == {growth.SMALL}
    assert all(0 < cost.taken < cost.seen for cost in costs)
    with redis_server.connect() as wire:
        assert wire.call("DBSIZE").value == 0


def test_memory_is_told_of_what_is_large_enough() -> None:
    with start_miniredis() as server:
        ((size, memory),) = growth.bytes_per_entry(server, growth.STRUCTURES[0], large=10_000)
    assert size == 10_000
    assert 0 < memory < 1_000


def test_clients_are_blocked_as_long_as_it_is_measured(redis_server: Server) -> None:
    def blocked() -> bool:
        with redis_server.connect() as wire:
            return b"\nblocked_clients:7\r\n" in wire.call("INFO", "clients").raw

    with growth.blocked_clients(redis_server, 7):
        assert blocked()
    while blocked():
        pass


def test_a_load_that_fails_says_why(redis_server: Server) -> None:
    with pytest.raises(ServerError, match="failed"):
        requests_per_second(Path("/bin/false"), redis_server, Workload("GET", ("-t", "get"), 100))


def test_a_load_that_does_not_end_is_given_up(redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "DEADLINE", 0.3)
    workload = Workload("GET", ("-t", "get"), 1_000_000_000)
    with pytest.raises(ServerError, match="did not come to an end"):
        requests_per_second(load.find_benchmark(), redis_server, workload)


def test_who_fails_takes_part_no_more(redis_server: Server) -> None:
    figures = Figures()
    real = find_real(None)
    servers = dict.fromkeys((MINIREDIS, "fakeredis", real.name), redis_server)
    told: list[str] = []
    bench = Bench(servers, real, load.find_benchmark(), figures, 0.01, told.append)
    bench.give_up("fakeredis", ServerError("it hangs"))
    assert told == ["fakeredis takes part no more: it hangs"]
    PARTS["pipelined"](bench)
    assert figures.contenders("pipelined") == [MINIREDIS, real.name]
    for name in (MINIREDIS, real.name):
        with pytest.raises(ServerError, match="it hangs"):
            bench.give_up(name, ServerError("it hangs"))


def test_a_failing_load_gives_its_contender_up(redis_server: Server) -> None:
    told: list[str] = []
    figures = Figures()
    bench = Bench({"fakeredis": redis_server}, find_real(None), Path("/bin/false"), figures, 0.01, told.append)
    PARTS["pipelined"](bench)
    assert len(told) == 1
    assert "fakeredis takes part no more: /bin/false" in told[0]
    assert not figures.values
