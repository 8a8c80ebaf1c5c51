"""The notation of Redis's command pages, read into the trees of COMMAND DOCS.

That every declared command's tree is the one a real server shows is tested in ``tests/commands/test_command.py``.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.engine.syntax import Argument, parse, render, select


def shape(argument: Argument) -> str:
    """An argument in one line: its token, its type and name, its children, ``?`` optional, ``*`` multiple."""
    token = "" if argument.token is None else f"{argument.token} "
    children = ", ".join(map(shape, argument.children))
    marks = "?" * argument.optional + "*" * argument.multiple + "t" * argument.multiple_token
    return f"{token}{argument.type}:{argument.name}" + (f"({children})" if children else "") + marks


def shapes(notation: str, *names: str, **details: str) -> list[str]:
    return [shape(argument) for argument in parse(notation, names, details)]


def test_a_word_is_a_value_whose_type_follows_from_the_word() -> None:
    assert shapes("key seconds value") == ["key:key", "integer:seconds", "string:value"]


def test_a_token_belongs_to_the_value_behind_it() -> None:
    assert shapes("[COUNT count] [REV]") == ["COUNT integer:count?", "REV pure-token:rev?"]


def test_alternatives_are_one_of() -> None:
    assert shapes("<BEFORE | AFTER> [EX seconds | PERSIST]", "where", "expiration") == [
        "oneof:where(BEFORE pure-token:before, AFTER pure-token:after)",
        "oneof:expiration(EX integer:seconds, PERSIST pure-token:persist)?",
    ]


def test_a_token_before_alternatives_belongs_to_them_all() -> None:
    assert shapes("[AGGREGATE <SUM | MIN>]", "aggregate") == [
        "AGGREGATE oneof:aggregate(SUM pure-token:sum, MIN pure-token:min)?"
    ]


def test_a_repeated_value_is_multiple() -> None:
    assert shapes("key [key ...]") == ["key:key*"]
    assert shapes("[element [element ...]]") == ["string:element?*"]


def test_a_token_stands_once_or_before_every_value() -> None:
    assert shapes("[WEIGHTS weight [weight ...]]") == ["WEIGHTS integer:weight?*"]
    assert shapes("[GET pattern [GET pattern ...]]") == ["GET pattern:pattern?*t"]


def test_values_that_repeat_together_form_a_block() -> None:
    assert shapes("key score member [score member ...]", "data") == [
        "key:key",
        "block:data(double:score, string:member)*",
    ]


def test_a_token_before_several_values_belongs_to_a_block_of_them() -> None:
    assert shapes("[LIMIT offset count]", "limit") == ["LIMIT block:limit(integer:offset, integer:count)?"]
    assert shapes("GROUP group consumer [NOACK]", "group-block") == [
        "GROUP block:group-block(string:group, string:consumer)",
        "NOACK pure-token:noack?",
    ]
    assert shapes("FIELDS numfields field value [field value ...]", "fields", "data") == [
        "FIELDS block:fields(integer:numfields, block:data(string:field, string:value)*)"
    ]


def test_a_token_before_one_value_and_an_option_belongs_to_the_value() -> None:
    assert shapes("[COUNT count [ANY]]", "count-block") == [
        "block:count-block(COUNT integer:count, ANY pure-token:any?)?"
    ]


def test_alternatives_may_be_repeated_as_a_whole_in_full_or_in_short() -> None:
    expected = ["oneof:filter(ID integer:client-id?, USER string:username?)*"]
    assert shapes("<[ID client-id] | [USER username] [[ID client-id] | [USER username] ...]>", "filter") == expected
    assert shapes("<[ID client-id] | [USER username] [...]>", "filter") == expected


def test_groups_are_named_outer_before_inner() -> None:
    assert shapes("[start [end [BYTE | BIT]]]", "range", "end-unit-block", "unit") == [
        "block:range(integer:start, block:end-unit-block(integer:end, "
        "oneof:unit(BYTE pure-token:byte, BIT pure-token:bit)?)?)?"
    ]


def test_tokens_that_are_no_words_have_names() -> None:
    assert shapes('[= | ~] <* | id> <key | "">', "operator", "id-selector", "key-selector") == [
        "oneof:operator(= pure-token:equal, ~ pure-token:approximately)?",
        "oneof:id-selector(* pure-token:auto-id, string:id)",
        "oneof:key-selector(key:key,  pure-token:empty-string)",
    ]


def test_the_nth_key_refers_to_the_nth_key_specification() -> None:
    assert [argument.key_spec_index for argument in parse("destination value source")] == [0, None, 1]


def test_details_add_what_the_notation_does_not_show() -> None:
    (pattern,) = parse("[BY pattern]", details={"BY": "name=by-pattern since=1.0.0 key-spec=1 summary=How to sort."})
    assert pattern == Argument(
        name="by-pattern",
        type="pattern",
        token="BY",
        display_text="pattern",
        optional=True,
        key_spec_index=1,
        since="1.0.0",
        summary="How to sort.",
    )


def test_a_detail_can_mean_the_argument_of_one_group_only() -> None:
    is_master, is_not_master = (
        group.children[0]
        for group in parse(
            "[TYPE <MASTER | PUBSUB>] [NOT-TYPE <MASTER | PUBSUB>]",
            ("type", "not-type"),
            {"type MASTER": "since=3.2.0"},
        )
    )
    assert (is_master.since, is_not_master.since) == ("3.2.0", "")


def test_a_detail_can_say_what_a_token_belongs_to() -> None:
    assert shapes("<BYBOX width height | key>", "by", "box", BYBOX="leads=argument") == [
        "oneof:by(block:box(BYBOX double:width, double:height), key:key)"
    ]


@pytest.mark.parametrize(
    ("notation", "names", "complaint"),
    [
        ("[key", (), "unbalanced"),
        ("key]", (), "unbalanced"),
        ("[key>", (), "unbalanced"),
        ("a | b", (), "alternatives outside"),
        ("key [value ...]", (), "repetition"),
        ("<A | B>", (), "fewer names"),
        ("key", ("spare",), "more names"),
    ],
)
def test_a_malformed_declaration_is_refused(notation: str, names: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(notation, names)


def test_details_of_no_argument_are_refused() -> None:
    with pytest.raises(ValueError, match="details of no argument"):
        parse("key", details={"value": "since=1.0.0"})


def test_details_may_be_of_the_token_with_a_certain_word() -> None:
    details = {"IFEQ own": "valkey-since=8.1.0", "IFEQ": "since=8.4.0"}
    (condition,) = parse("[NX | IFEQ own | IFEQ other]", ("condition",), details)
    assert [(child.since, child.valkey_since) for child in condition.children] == [
        ("", ""),
        ("", "8.1.0"),
        ("8.4.0", ""),
    ]
    (ifeq,) = select([condition], lambda argument: argument.name != "nx" and not argument.valkey_since)
    assert shape(ifeq) == "IFEQ string:other?"


def test_an_unknown_argument_is_left_out_of_its_group() -> None:
    arguments = parse("[NX | XX | IFEQ value]", ("condition",), {"IFEQ": "valkey-since=8.1.0"})
    (condition,) = select(arguments, lambda argument: not argument.valkey_since)
    assert shape(condition) == "oneof:condition(NX pure-token:nx, XX pure-token:xx)?"


def test_a_group_with_one_alternative_left_is_that_alternative() -> None:
    arguments = parse("[SCHEDULE | CANCEL]", ("operation",), {"CANCEL": "valkey-since=8.1.0"})
    (schedule,) = select(arguments, lambda argument: not argument.valkey_since)
    assert shape(schedule) == "SCHEDULE pure-token:schedule?"


# Any tree that the notation can show is read back from it.

words = st.sampled_from(["alpha", "beta", "gamma-delta", "yes/no"])
tokens = st.sampled_from(["NX", "COUNT", "LIB-NAME", "*"])


def leaf(name: str, token: str | None) -> Argument:
    return Argument(name=name, type="string", display_text=name, token=token)


def bare_token(token: str) -> Argument:
    name = {"*": "auto-id"}.get(token, token.lower())
    return Argument(name=name, type="pure-token", display_text=name, token=token, optional=True)


values = st.builds(leaf, words, st.none() | tokens)
plain_values = st.builds(leaf, words, st.none())


def oneofs(children: st.SearchStrategy[Argument]) -> st.SearchStrategy[Argument]:
    alternatives = st.lists(
        children.filter(lambda child: child.type != "block" or not child.multiple), min_size=2, max_size=3
    )
    return st.builds(
        lambda inside, multiple: Argument(name="group", type="oneof", children=tuple(inside), multiple=multiple),
        alternatives,
        st.booleans(),
    )


def blocks(children: st.SearchStrategy[Argument]) -> st.SearchStrategy[Argument]:
    return st.builds(
        lambda first, rest: Argument(name="group", type="block", children=(first, *rest), optional=True),
        plain_values,
        st.lists(children.map(lambda child: replace(child, optional=True)), min_size=1, max_size=3),
    )


trees = st.recursive(
    values | tokens.map(bare_token) | values.map(lambda value: replace(value, multiple=True)),
    lambda children: oneofs(children) | blocks(children) | children.map(lambda child: replace(child, optional=True)),
    max_leaves=8,
)


def count_groups(argument: Argument) -> int:
    return bool(argument.children) + sum(map(count_groups, argument.children))


def takes_the_next(argument: Argument, following: Argument) -> bool:
    """Whether a token's value and what follows it would be read as a block: no declaration can say it otherwise."""
    return bool(argument.token) and not argument.optional and not following.token and not following.optional


@given(st.lists(trees, min_size=1, max_size=3).filter(lambda each: not any(starmap(takes_the_next, pairwise(each)))))
def test_every_tree_is_read_back_from_its_notation(arguments: list[Argument]) -> None:
    names = ("group",) * sum(map(count_groups, arguments))
    assert parse(render(arguments), names) == tuple(arguments)
