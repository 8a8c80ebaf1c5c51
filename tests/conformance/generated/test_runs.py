"""What fails is found, shrunk to what matters, told once, and had again by its seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.duel import Duel
from conformance.generated import machine, runs
from conformance.generated.families import Vocabulary
from conformance.generated.runs import Knowledge, Runs
from conformance.results import Case, Verdict
from conformance.scenario import parse_step
from conformance.servers import Server, find_server, start, start_miniredis
from tests.conformance.faults.catalogue import FAULTS


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown must not depend on how busy the machine is."""
    monkeypatch.setattr(runs, "SHRINKING", 600.0)
    monkeypatch.setattr(runs, "SIMPLIFYING", 600.0)


@contextmanager
def duel_with(reference: Server, fault: str) -> Iterator[Duel]:
    """The real server and a miniredis that has the fault of that name."""
    number = next(number for number, each in enumerate(FAULTS) if each.name == fault)
    program = ("-m", "tests.conformance.faults.server", str(number))
    with start_miniredis(emulate="redis-7.0", program=program) as target, Duel(reference, target) as duel:
        yield duel


def failures(duel: Duel, family: str, *, seed: str = "faults", commands: int = 6000) -> Iterator[Case]:
    found = runs.cases(duel, family, 2, seed=seed, commands=commands)
    return (case for case in found if case.verdict is Verdict.DIFFERS)


@pytest.fixture
def duel(redis_server: Server) -> Iterator[Duel]:
    """The real server and another one of its kind."""
    binary = find_server("redis-7.0")
    assert binary is not None
    with start(binary) as second, Duel(redis_server, second) as two:
        yield two


@pytest.mark.parametrize(
    ("fault", "family", "lines"),
    [
        ("GETRANGE stops one byte early", "string", ["SETRANGE k1 0 a", "GETRANGE k1 0 0"]),
        ("a status is sent as a bulk string", "string", ["SET k1 a"]),
        ("SMOVE leaves the member where it was", "set", ["SADD k1 1", "SMOVE k1 k2 1"]),
        ("HDEL counts one change, however many fields go", "hash", ["HSET k1 a a", "HSET k1 c a", "HDEL k1 a c"]),
        ("RENAME loses the time to live", "generic", ["SET k1 10", "EXPIREAT k1 33177117420000", "RENAME k1 k2"]),
    ],
)
def test_a_fault_is_found_and_made_short(redis_server: Server, fault: str, family: str, lines: list[str]) -> None:
    with duel_with(redis_server, fault) as duel:
        first = next(failures(duel, family, seed="d"))  # another one may take longer
    shown = [line.command for line in first.transcript]
    assert shown[-1].upper().startswith(lines[-1].split()[0])  # RENAMENX shows it as well as RENAME
    assert len(shown) <= len(lines)
    assert max(map(len, shown)) < 200  # of what may be 20,000 bytes
    assert first.dataset or any(line.differs for line in first.transcript)


def test_a_fault_that_shows_in_many_runs_is_told_once(redis_server: Server) -> None:
    with duel_with(redis_server, "a status is sent as a bulk string") as duel:
        found = list(failures(duel, "string", commands=3000))
    told = [case for case in found if case.transcript]
    assert len(found) >= 5
    assert len(told) <= 2
    repeated = next(case for case in found if not case.transcript)
    assert repeated.reason.startswith("the same as with seed faults/")


def test_what_differed_is_counted_by_command(redis_server: Server) -> None:
    with duel_with(redis_server, "a status is sent as a bulk string") as duel:
        first = next(failures(duel, "string", commands=300))
    assert first.steps >= 300
    assert sum(first.asked.values()) > 250
    assert first.differed["SET"] > 0
    assert not first.differed["GET"]


def test_a_failure_is_had_again_by_its_seed(redis_server: Server) -> None:
    with duel_with(redis_server, "GETRANGE stops one byte early") as duel:
        first = next(failures(duel, "string"))
        vocabulary = Vocabulary(redis_server)
        again = Runs(duel, vocabulary, "string", 2, knowledge=Knowledge()).case(first.seed)
        (alone,) = runs.cases(duel, "string", 2, seed=first.seed)
    assert again.transcript == first.transcript == alone.transcript


def test_progress_is_told(duel: Duel) -> None:
    told: list[int] = []
    cases = list(runs.cases(duel, "hash", 2, seed="1", commands=600, progress=told.append))
    assert {case.verdict for case in cases} == {Verdict.AGREES}
    assert told == [sum(case.steps for case in cases[: number + 1]) for number in range(len(cases))]
    assert sum(case.steps for case in cases) >= 600


def test_the_time_ends_it(duel: Duel) -> None:
    assert list(runs.cases(duel, "hash", 2, seed="1", seconds=0)) == []


def test_what_has_no_syntax_is_skipped_by_name(redis_server: Server) -> None:
    vocabulary = Vocabulary(redis_server)
    vocabulary.undescribed = ("GEOADD",)
    (case,) = runs.undescribed(vocabulary, 2)
    assert (case.verdict, case.family) == (Verdict.SKIPPED, "geo")
    assert "GEOADD" in case.reason


# Several connections


@pytest.mark.parametrize(
    ("fault", "seed"),  # a seed that comes upon the fault soon; another one takes longer
    [
        ("who began to wait last is served first", "c"),
        ("who is gone still takes an element with it", "faults"),
        ("waiting clients are served in the middle of a transaction", "faults"),
        ("WATCH does not see a change", "faults"),
        ("EXEC runs what was queued beside a refused command", "faults"),
        ("CLIENT UNBLOCK … ERROR ends the wait like a timeout", "c"),
        ("PING of a subscriber is answered as any other", "faults"),
        ("RESET keeps the subscriptions", "c"),
        ("a pattern's subscribers are not counted", "faults"),
        ("UNSUBSCRIBE without a subscription answers nothing", "faults"),
    ],
)
def test_the_machine_finds_the_fault_and_tells_it_as_a_scenario(redis_server: Server, fault: str, seed: str) -> None:
    with duel_with(redis_server, fault) as duel:
        found = (case for case in machine.cases(duel, seed=seed, steps=60_000) if case.verdict is Verdict.DIFFERS)
        case = next(found)
    assert len(case.transcript) <= 25
    for line in case.transcript:
        if not line.command.startswith(("#", "INFO")):
            assert parse_step(line.command).client.isdigit()


def test_an_examination_is_had_again_by_its_seed(duel: Duel) -> None:
    (first,), (again,) = (list(machine.cases(duel, seed="1/7")) for _ in range(2))
    assert first.verdict is Verdict.AGREES
    assert first.asked == again.asked
    assert first.steps == again.steps > 50
