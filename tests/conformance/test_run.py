"""A run asks everything of both servers, and ends with what it found whatever they do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import pytest

from conformance.generated.pipeline import play
from conformance.pair import Pair, ServerGoneError
from conformance.parties import Installed, Source, named
from conformance.pick import pick
from conformance.results import Case, Kind, Party, Verdict
from conformance.run import Plan, Task, Way, belongs, cases, families, ways
from conformance.servers import Server, ServerBinary, find_server, start
from tests.requirements import missing


def redis_binary() -> ServerBinary:
    binary = find_server("redis-7.0")
    if binary is None:
        missing("a real redis-7.0 server")
    return binary


@dataclass(frozen=True)
class WithOptions:
    """A real server started with options of its own."""

    options: tuple[str, ...]
    name: str = "redis-7.0"
    ours: bool = True

    def open(self, like: Party | None = None) -> AbstractContextManager[Server]:
        return start(redis_binary(), *self.options)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two real servers of one version."""
    with Pair(Installed(redis_binary()), Installed(redis_binary())) as both:
        yield both


def task(title: str, ask: Callable[[Pair], Iterable[Case]], **more: object) -> Task:
    return replace(Task(Kind.SCENARIO, "strings", title, 2, ask), **more)  # type: ignore[arg-type]


def asked(pair: Pair, *tasks: Task) -> list[Case]:
    return list(cases([Way(Kind.SCENARIO, tasks, len(tasks))], pair))


def agreeing(pair: Pair) -> Iterator[Case]:
    with pair.target.connect() as wire:
        assert wire.call("PING").raw == b"+PONG\r\n"
    assert pair.duel is not None
    yield Case(Kind.SCENARIO, "strings", "agreeing", Verdict.AGREES, steps=1)


# What is asked


def test_real_servers_of_one_version_agree(pair: Pair) -> None:
    plan = Plan("1", families=["strings"], commands=300, picked=pick("SET or generated"))
    found = list(cases(ways(plan, pair), pair))
    assert {case.verdict for case in found} == {Verdict.AGREES}
    assert {case.kind for case in found} >= {Kind.SCENARIO, Kind.COMMANDS}
    assert {case.protocol for case in found} == {2, 3}
    assert all(case.steps > 0 for case in found)
    scenarios = [case for case in found if case.kind is Kind.SCENARIO]
    assert sum((case.asked for case in scenarios), start=scenarios[0].asked)["SET"] > 10
    assert all(
        case.source.startswith("conformance/scenarios/strings.scenarios:")
        for case in scenarios
        if case.family == "strings"
    )


def test_a_difference_is_a_case_with_its_transcript() -> None:
    plan = Plan("1", kinds=[Kind.SCENARIO], protocols=[2], families=["connection"], picked=pick("SELECT"))
    with Pair(WithOptions(("--databases", "2")), Installed(redis_binary())) as pair:
        found = list(cases(ways(plan, pair), pair))
    differing = [case for case in found if case.verdict is Verdict.DIFFERS]
    assert differing
    line = next(line for case in differing for line in case.transcript if not line.agree)
    assert line.target.raw == b"-ERR DB index is out of range\r\n"
    assert differing[0].differed["SELECT"] > 0


def test_what_is_known_to_have_changed_between_two_versions_is_declared() -> None:
    plan = Plan("1", kinds=[Kind.SCENARIO], protocols=[2], families=["lists"], picked=pick("lists: and encodings"))
    with Pair(named("valkey"), named("redis-7.0")) as pair:
        found = list(cases(ways(plan, pair), pair))
    assert [(case.verdict, case.reason) for case in found] == [(Verdict.DECLARED, "since redis-7.2")]
    line = next(line for line in found[0].transcript if not line.agree)
    assert (line.reference.shown, line.target.shown) == ('"quicklist"', '"listpack"')
    assert line.declared == "since redis-7.2"
    assert not found[0].differed


@pytest.mark.parametrize(
    ("family", "wanted", "does"),
    [
        ("lists", "lists", True),
        ("lists", "list", True),
        ("list", "lists", True),
        ("lists_blocking", "list", True),
        ("sorted_sets", "sorted-set", True),
        ("sets", "sorted-set", False),
        ("sorted_sets", "set", False),
        ("lists", "lists_blocking", False),
        ("all", "lists", False),
    ],
)
def test_a_family_has_two_names(family: str, wanted: str, does: bool) -> None:
    assert belongs(family, wanted) is does


def test_every_family_can_be_named() -> None:
    assert {"lists", "lists_blocking", "sorted-set"} <= set(families())


def test_one_seed_gives_the_same_commands(pair: Pair) -> None:
    plan = Plan("7", kinds=[Kind.COMMANDS], protocols=[2], families=["string"], commands=600)
    first, second = (list(cases(ways(plan, pair), pair)) for _ in range(2))
    assert sum(first[0].asked.values()) > 200
    assert [(case.seed, case.asked) for case in first] == [(case.seed, case.asked) for case in second]
    assert len({case.seed for case in first}) == len(first) >= 2


def test_one_of_many_is_had_again_by_its_seed(pair: Pair) -> None:
    plan = Plan("7/2", kinds=[Kind.COMMANDS], protocols=[2], families=["string"], commands=30_000)
    (case,) = cases(ways(plan, pair), pair)
    assert case.seed == "7/2"


def test_the_time_bounds_what_is_generated(pair: Pair) -> None:
    plan = Plan("1", kinds=[Kind.COMMANDS], seconds=0.3)
    (way,) = ways(plan, pair)
    assert way.total is None
    assert list(cases([way], pair))


# What goes wrong


def test_a_target_that_dies_is_a_difference_and_is_started_again(pair: Pair) -> None:
    def deadly(pair: Pair) -> Iterator[Case]:
        assert pair.target.pid is not None
        duel = pair.duel
        os.kill(pair.target.pid, signal.SIGKILL)
        play(duel, "title", [(b"PING",)], 2)
        yield Case(Kind.SCENARIO, "strings", "never", Verdict.AGREES)

    before = pair.target.pid
    lost, after = asked(pair, task("deadly", deadly, steps=("PING",)), task("after", agreeing))
    assert lost.verdict is Verdict.DIFFERS
    assert lost.title == "deadly"
    assert lost.reason.startswith("the target is gone\nthe comparison broke off")
    assert "It printed last:" in lost.reason
    assert [line.command for line in lost.transcript] == ["PING"]
    assert after.verdict is Verdict.AGREES
    assert pair.target.pid != before


def test_what_a_target_died_of_is_found_among_what_it_was_sent(pair: Pair) -> None:
    commands: list[tuple[bytes, ...]] = [(b"SET", b"k%d" % number, b"v") for number in range(40)]
    commands.insert(17, (b"DEBUG", b"SEGFAULT"))

    def deadly(pair: Pair) -> Iterator[Case]:
        with pair.target.connect() as wire:
            wire.pipeline(commands)
        yield from ()

    (lost,) = asked(pair, task("deadly", deadly, sends=lambda: commands))
    assert [line.command for line in lost.transcript] == ["DEBUG SEGFAULT"]
    assert lost.reason.startswith("the target is gone")
    assert not pair.missing()


def test_a_target_that_dies_of_a_case_is_named_in_that_case(pair: Pair) -> None:
    def deadly(pair: Pair) -> Iterator[Case]:
        with pair.target.connect() as wire:
            wire.send("SHUTDOWN", "NOSAVE")
            assert wire.closed_by_peer()
        yield Case(Kind.SCENARIO, "strings", "deadly", Verdict.DIFFERS, reason="no reply")

    lost, after = asked(pair, task("deadly", deadly), task("after", agreeing))
    assert lost.reason.startswith("the target is gone\nno reply\nIt printed last:")
    assert "bye bye" in lost.reason
    assert after.verdict is Verdict.AGREES


def test_a_reference_that_dies_says_nothing_about_the_target(pair: Pair) -> None:
    def deadly(pair: Pair) -> Iterator[Case]:
        assert pair.reference is not None
        assert pair.reference.pid is not None
        os.kill(pair.reference.pid, signal.SIGKILL)
        play(pair.duel, "title", [(b"PING",)], 2)
        yield from ()

    lost, after = asked(pair, task("deadly", deadly), task("after", agreeing))
    assert lost.verdict is Verdict.SKIPPED
    assert lost.reason.startswith("the reference is gone")
    assert after.verdict is Verdict.AGREES


def test_a_server_of_somebody_else_that_dies_ends_the_run_with_what_was_found() -> None:
    with start(redis_binary()) as theirs:
        target: Source = named(f"redis://{theirs.host}:{theirs.port}")

        def deadly(pair: Pair) -> Iterator[Case]:
            with theirs.connect() as wire:
                wire.send("SHUTDOWN", "NOSAVE")
                assert wire.closed_by_peer()
            yield Case(Kind.SCENARIO, "strings", "deadly", Verdict.DIFFERS)

        found: list[Case] = []
        with (
            Pair(target, Installed(redis_binary())) as pair,
            pytest.raises(ServerGoneError, match=r"the target .* is gone"),
        ):
            found.extend(cases([Way(Kind.SCENARIO, [task("deadly", deadly), task("after", agreeing)], 2)], pair))
    assert [(case.title, case.reason) for case in found] == [("deadly", "the target is gone")]


def test_what_breaks_in_the_comparison_is_a_difference_and_no_traceback(pair: Pair) -> None:
    def breaking(pair: Pair) -> Iterator[Case]:
        raise ValueError("a reply of no sense")
        yield

    lost, after = asked(pair, task("breaking", breaking), task("after", agreeing))
    assert lost.verdict is Verdict.DIFFERS
    assert lost.reason.endswith("ValueError: a reply of no sense")
    assert after.verdict is Verdict.AGREES


def test_what_a_server_refuses_is_not_asked() -> None:
    with Pair(WithOptions(("--rename-command", "CONFIG", "")), Installed(redis_binary())) as pair:
        assert pair.refused["CONFIG"].startswith("the target answers \"ERR unknown command 'CONFIG'")
        skipped, after = asked(pair, task("settings", agreeing, needs=frozenset({"CONFIG"})), task("after", agreeing))
        assert skipped.verdict is Verdict.SKIPPED
        assert skipped.reason.startswith("CONFIG: the target answers")
        assert after.verdict is Verdict.AGREES
        plan = Plan("1", protocols=[2], families=["server", "string"], commands=300)
        verdicts = {case.verdict for case in cases(ways(plan, pair), pair)}
        assert verdicts == {Verdict.AGREES, Verdict.SKIPPED}


def test_a_server_that_refuses_to_be_emptied_at_once_is_emptied_otherwise() -> None:
    with Pair(WithOptions(("--rename-command", "FLUSHALL", "")), Installed(redis_binary())) as pair:
        plan = Plan("1", kinds=[Kind.SCENARIO], protocols=[2], families=["hashes"])
        assert {case.verdict for case in cases(ways(plan, pair), pair)} == {Verdict.AGREES}
