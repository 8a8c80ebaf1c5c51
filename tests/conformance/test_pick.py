"""``-k`` picks names as pytest's does."""

from __future__ import annotations

import pytest

from conformance.pick import PickError, pick

LISTS = "scenario lists: RPUSH and LPUSH resp2"
BLOCKING = "scenario lists_blocking: BLPOP is served by a push resp3"
STRINGS = "commands string: random commands resp3"


@pytest.mark.parametrize(
    ("expression", "picked"),
    [
        ("lists", {LISTS, BLOCKING}),
        ("LISTS", {LISTS, BLOCKING}),
        ("rpush", {LISTS}),
        ("not lists", {STRINGS}),
        ("lists and not blocking", {LISTS}),
        ("lists and resp3", {BLOCKING}),
        ("blocking or string", {BLOCKING, STRINGS}),
        ("resp3 and blocking or string", {BLOCKING, STRINGS}),
        ("resp2 or resp3 and string", {LISTS, STRINGS}),
        ("(resp2 or resp3) and string", {STRINGS}),
        ("not (lists or string)", set()),
        ("not not string", {STRINGS}),
        ("'served by a push'", {BLOCKING}),
        ('"RPUSH and LPUSH"', {LISTS}),
        ("lists:", {LISTS}),
    ],
)
def test_an_expression_picks(expression: str, picked: set[str]) -> None:
    chosen = pick(expression)
    assert {name for name in (LISTS, BLOCKING, STRINGS) if chosen(name)} == picked


@pytest.mark.parametrize(
    "expression", ["", "  ", "and", "lists and", "or lists", "(lists", "lists)", "not", "a b", "'a"]
)
def test_what_is_no_expression_is_said_in_a_line(expression: str) -> None:
    with pytest.raises(PickError) as error:
        pick(expression)
    assert "-k" in str(error.value)
    assert "\n" not in str(error.value)
