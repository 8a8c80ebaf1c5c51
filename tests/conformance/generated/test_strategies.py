"""What is generated reaches every command, every option and every slip, and a seed brings it again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest

import miniredis.commands
from conformance.generated.families import BEGINNINGS, LEFT_OUT, OPTIONS_LEFT_OUT, Vocabulary, arguments_of
from conformance.generated.plan import END, LENGTH, Plan, Run
from conformance.generated.source import Choices, Seeded, shrink
from conformance.generated.strategies import Argv, name_of
from conformance.servers import Server, find_server, start
from conformance.vocabulary import name_of as name_of_argv
from miniredis.engine.syntax import Argument
from tests.requirements import missing

assert miniredis.commands

RUNS = 30
"""So many runs of a family show everything in it."""


@pytest.fixture(scope="module")
def reference() -> Iterator[Server]:
    binary = find_server("redis-7.0")
    if binary is None:
        missing("a real redis-7.0 server")
    with start(binary) as server:
        yield server


@pytest.fixture(scope="module")
def vocabulary(reference: Server) -> Vocabulary:
    return Vocabulary(reference)


@pytest.fixture(scope="module")
def drawn(vocabulary: Vocabulary) -> object:
    @cache
    def commands(family: str) -> list[Argv]:
        seeded = Seeded(Plan(vocabulary.family(family)).runs)
        return [argv for number in range(RUNS) for argv in seeded.value(f"test/{number}").argvs()]

    return commands


FAMILIES = [
    "string",
    "hash",
    "list",
    "set",
    "sorted-set",
    "stream",
    "bitmap",
    "hyperloglog",
    "generic",
    "lex",
    "server",
]


def tokens(arguments: tuple[Argument, ...]) -> Iterator[bytes]:
    for argument in arguments:
        if argument.token:
            yield argument.token.encode().upper()
        yield from tokens(argument.children)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_command_of_a_family_is_generated(vocabulary: Vocabulary, drawn, family: str) -> None:  # type: ignore[no-untyped-def]
    generated = {name_of_argv(argv, vocabulary.groups) for argv in drawn(family)}
    assert {writer.name for writer in vocabulary.family(family).writers} <= generated


@pytest.mark.parametrize("family", FAMILIES)
def test_every_option_of_a_family_is_generated(vocabulary: Vocabulary, drawn, family: str) -> None:  # type: ignore[no-untyped-def]
    words: dict[str, set[bytes]] = {}
    for argv in drawn(family):
        words.setdefault(name_of_argv(argv, vocabulary.groups), set()).update(word.upper() for word in argv)
    for writer in vocabulary.family(family).writers:
        missing_here = set(tokens(arguments_of(vocabulary.commands[writer.name], family))) - words[writer.name]
        assert not missing_here, writer.name


def test_the_number_of_arguments_is_right_and_wrong_both_ways(drawn) -> None:  # type: ignore[no-untyped-def]
    lengths = {len(argv) for argv in drawn("string") if argv[0].upper() == b"GETRANGE"}
    assert {3, 4, 5} <= lengths


def test_options_come_in_any_order_and_case(drawn) -> None:  # type: ignore[no-untyped-def]
    orders = {
        tuple(word.upper() for word in argv if word.upper() in (b"NX", b"GET", b"KEEPTTL"))
        for argv in drawn("string")
        if argv[0].upper() == b"SET"
    }
    assert {(b"NX", b"GET"), (b"GET", b"NX"), (b"GET", b"KEEPTTL"), (b"KEEPTTL", b"GET")} <= orders
    assert {b"SET", b"set", b"Set"} <= {argv[0] for argv in drawn("string")}


@pytest.mark.parametrize("value", [b"", b"\xff\x00\r\n", b"9223372036854775808", b"abc", b"1e400", b" 1", b"nan"])
def test_odd_values_are_generated(drawn, value: bytes) -> None:  # type: ignore[no-untyped-def]
    assert any(value in argv for argv in drawn("string"))


def test_numbers_of_keys_are_mostly_true(drawn) -> None:  # type: ignore[no-untyped-def]
    zunions = [argv for argv in drawn("sorted-set") if argv[0].upper() == b"ZUNION" and argv[1:2] != (b"abc",)]
    true = [argv for argv in zunions if argv[1].isdigit() and b"k1" in argv[2 : 2 + int(argv[1])]]
    assert len(true) > len(zunions) / 3


def test_what_is_left_out_is_not_generated(vocabulary: Vocabulary) -> None:
    for family in vocabulary.family_names():
        assert not {writer.name for writer in vocabulary.family(family).writers} & LEFT_OUT.keys()


def test_what_is_left_out_exists(vocabulary: Vocabulary) -> None:
    everything = {name_of(each): each for each in vocabulary.commands.values()}
    for name, option in OPTIONS_LEFT_OUT:
        if name in everything and option != "IFEQ":  # of Valkey alone
            assert option.encode() in set(tokens(everything[name].arguments)), (name, option)
    known = vocabulary.groups.keys()
    of_later_versions = {"WAITAOF", "CLIENT SETINFO"}
    assert not LEFT_OUT.keys() - known - of_later_versions
    assert BEGINNINGS.keys() <= set(vocabulary.family_names())


def test_what_the_reference_has_and_the_table_lacks_is_told(vocabulary: Vocabulary) -> None:
    described = set(vocabulary.commands) | set(vocabulary.undescribed) | set(LEFT_OUT)
    assert set(vocabulary.groups) <= described


def test_a_popped_set_leaves_no_choice(drawn) -> None:  # type: ignore[no-untyped-def]
    for argv in drawn("set"):
        if argv[0].upper() == b"SPOP" and len(argv) > 1 and argv[1].startswith(b"k"):
            assert argv[2] == b"9223372036854775807"


def test_a_run_is_hundreds_of_commands_long(vocabulary: Vocabulary) -> None:
    seeded = Seeded(Plan(vocabulary.family("all")).runs)
    lengths = [len(seeded.value(f"long/{number}").acts) for number in range(10)]
    assert lengths.count(LENGTH) >= 8


# Seeds

PRINT_A_RUN = """
import sys
from conformance.generated.families import Vocabulary
from conformance.generated.plan import Plan
from conformance.generated.source import Seeded
from conformance.servers import Server
{more}
vocabulary = Vocabulary(Server("redis-7.0", "127.0.0.1", int(sys.argv[1])))
seeded = Seeded(Plan(vocabulary.family("sorted-set")).runs)
seeded.value("17/41")
print(seeded.value("17/42").argvs())
"""


def test_a_seed_brings_the_same_commands_in_another_process(vocabulary: Vocabulary, reference: Server) -> None:
    here = Seeded(Plan(vocabulary.family("sorted-set")).runs).value("17/42").argvs()
    for more in ("", "import pytest, hypothesis.stateful"):
        code = PRINT_A_RUN.format(more=more)
        line = [sys.executable, "-c", code, str(reference.port)]
        printed = subprocess.run(line, capture_output=True, text=True, check=True).stdout
        assert printed.strip() == str(here)


def test_seeds_bring_different_commands(vocabulary: Vocabulary) -> None:
    seeded = Seeded(Plan(vocabulary.family("string")).runs)
    assert seeded.value("1/1").argvs() != seeded.value("1/2").argvs()


# Shrinking


def drawn_run(vocabulary: Vocabulary, family: str, seed: str) -> tuple[Plan, Run, Choices]:
    plan = Plan(vocabulary.family(family))
    return plan, *Seeded(plan.runs).value_and_choices(seed)


def test_the_choices_of_some_acts_bring_just_these(vocabulary: Vocabulary) -> None:
    plan, run, choices = drawn_run(vocabulary, "list", "3/3")
    kept = [5, 17, 170]
    again = shrink(plan.runs, run.choices_of(kept, choices), lambda run: True, seconds=0.001)
    assert again is None or len(again.acts) <= 3
    seen: list[list[Argv]] = []
    shrink(plan.runs, run.choices_of(kept, choices), lambda run: seen.append(run.argvs()), seconds=5)
    assert seen[0] == run.argvs(kept)


def test_hypothesis_makes_values_simpler(vocabulary: Vocabulary) -> None:
    def sets_something_long(run: Run) -> bool:
        return any(argv[0].upper() == b"SETRANGE" and len(argv) == 4 and len(argv[3]) > 5 for argv in run.argvs())

    plan = Plan(vocabulary.family("string"))
    seeded = Seeded(plan.runs)
    seed = next(seed for seed in map(str, range(100)) if sets_something_long(seeded.value(seed)))
    run, choices = seeded.value_and_choices(seed)
    kept = next(at for at, act in enumerate(run.acts) if sets_something_long(Run(acts=[act])))
    simplest = shrink(plan.runs, run.choices_of([kept], choices), sets_something_long, seconds=30)
    assert simplest is not None
    (argv,) = simplest.argvs()
    assert argv[:3] == (b"SETRANGE", b"k1", b"0")


def test_the_end_is_the_simplest_choice(vocabulary: Vocabulary) -> None:
    plan, run, choices = drawn_run(vocabulary, "set", "1/1")
    assert run.choices_of([], choices)[-1] == END
    simplest = shrink(plan.runs, choices, lambda run: True, seconds=30)
    assert simplest is not None
    assert simplest.argvs() == []
