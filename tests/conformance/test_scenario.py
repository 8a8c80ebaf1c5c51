"""The notation of scenarios: what one writes is what is sent."""

from __future__ import annotations

import pytest

from conformance.scenario import Action, NotationError, Step, load_all, parse, parse_step


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("SET k v", (b"SET", b"k", b"v")),
        ('SET k "a b" EX 10', (b"SET", b"k", b"a b", b"EX", b"10")),
        (r'SET "\x00\xff" "\r\n"', (b"SET", b"\x00\xff", b"\r\n")),
        (r"SET k 'it\'s'", (b"SET", b"k", b"it's")),
        ('""', (b"",)),
        ("GET é", (b"GET", "é".encode())),
    ],
)
def test_a_line_without_prefix_calls_on_connection_1(line: str, argv: tuple[bytes, ...]) -> None:
    assert parse_step(line) == Step(line, Action.CALL, "1", argv)


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("2> GET k", (Action.CALL, "2", (b"GET", b"k"))),
        ("3& BLPOP k 0", (Action.BLOCK, "3", (b"BLPOP", b"k", b"0"))),
        ("1! GET k", (Action.SEND, "1", (b"GET", b"k"))),
        ("12<", (Action.READ, "12", ())),
        ("1~ 3", (Action.READ_ANY_ORDER, "1", (b"3",))),
        (r'1= "PING\r\n"', (Action.RAW, "1", (b"PING\r\n",))),
        ("4|", (Action.CLOSED_BY_SERVER, "4", ())),
        ("4.", (Action.CLOSE, "4", ())),
    ],
)
def test_a_prefix_names_the_connection_and_what_is_done(line: str, step: tuple[Action, str, tuple[bytes, ...]]) -> None:
    assert parse_step(line) == Step(line, *step)


def test_until_holds_a_command_and_the_reply_to_wait_for() -> None:
    line = "until EXISTS k => (integer) 0"
    assert parse_step(line) == Step(line, Action.UNTIL, argv=(b"EXISTS", b"k"), awaited="(integer) 0")


@pytest.mark.parametrize("line", ['GET "k', '"a"b', "2<  GET k", "2>", "2| 1", "1~", "1~ x", "until EXISTS k"])
def test_a_line_that_is_no_step_is_refused(line: str) -> None:
    with pytest.raises(NotationError):
        parse_step(line)


def test_a_title_opens_a_scenario_and_a_blank_line_ends_it() -> None:
    first, second = parse("# One @resp3 @valkey\nPING\nGET k\n\n# Two\nPING\n", "family")
    assert (str(first), len(first.steps), first.line_number) == ("family: One", 2, 1)
    assert (str(second), len(second.steps), second.line_number) == ("family: Two", 1, 5)


def test_a_wrong_line_is_reported_with_its_number() -> None:
    with pytest.raises(NotationError, match="family, line 3"):
        list(parse('# One\nPING\nGET "k\n', "family"))


def test_words_in_the_title_restrict_a_scenario_to_references() -> None:
    (scenario,) = parse("# Only there @redis @resp2\nPING\n")
    assert scenario.applies_to("redis-7.0", 2)
    assert not scenario.applies_to("redis-7.0", 3)
    assert not scenario.applies_to("valkey-9.1", 2)


def test_no_two_scenarios_of_a_family_have_the_same_title() -> None:
    names = [str(scenario) for scenario in load_all()]
    assert sorted(set(names)) == sorted(names)
