"""The command table: declarations made into the commands of one version, and the keys found by their specifications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from miniredis.engine.command import (
    DECLARATIONS,
    KeySpec,
    Variant,
    command,
    container,
    key_count,
    key_range,
    key_unknown,
)
from miniredis.engine.table import CATEGORIES, Command, CommandTable
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import Argv

REDIS_7_0 = VERSIONS["redis-7.0"]
REDIS_7_2 = VERSIONS["redis-7.2"]
VALKEY = VERSIONS["valkey-9.1"]


@pytest.fixture(autouse=True)
def _no_other_declarations() -> Iterator[None]:
    declared = dict(DECLARATIONS)
    DECLARATIONS.clear()
    CommandTable.for_version.cache_clear()
    yield
    DECLARATIONS.clear()
    DECLARATIONS.update(declared)
    CommandTable.for_version.cache_clear()


def declare(usage: str, **fields: Any) -> None:
    command(usage, **{"arity": -2, "summary": "Tests.", "since": "1.0.0", "group": "string"} | fields)(None)


def the_command(version: Any = REDIS_7_2) -> Command:
    (only,) = CommandTable(version).commands.values()
    return only


def test_a_name_is_found_in_any_case() -> None:
    declare("GET key")
    table = CommandTable(REDIS_7_2)
    assert table.lookup(b"get") is table.lookup(b"GeT") is table.commands[b"get"]
    assert table.lookup(b"got") is None


def test_a_subcommand_stands_in_its_container() -> None:
    container("CONFIG", summary="Holds.", since="2.0.0", group="server")
    declare("CONFIG|GET parameter", arity=-3)
    table = CommandTable(REDIS_7_2)
    subcommand = table.commands[b"config"].subcommands[b"get"]
    assert subcommand.name == "config|get"
    assert subcommand.parent is table.commands[b"config"]
    assert table.lookup_full_name(b"CONFIG|Get") is subcommand
    assert table.lookup_argv([b"config", b"GET", b"port"]) is subcommand
    assert table.lookup_argv([b"config"]) is table.commands[b"config"]
    assert table.lookup_argv([b"config", b"got"]) is None
    for name in (b"config|", b"config|got", b"config|get|port", b"|", b"get|x"):
        assert table.lookup_full_name(name) is None
    assert [known.name for known in table.all()] == ["config", "config|get"]


def test_declaring_a_command_twice_is_refused() -> None:
    declare("GET key")
    with pytest.raises(ValueError, match="'get' is declared twice"):
        declare("GET key")


def test_a_version_has_what_came_before_it() -> None:
    declare("OLD", since="7.0.0")
    declare("NEW", since="7.2.0")
    declare("OWN", since="", valkey_since="9.0.0")
    declare("LATER", since="7.4.0", valkey_since="9.0.0")
    names = {version.name: set(CommandTable(version).commands) for version in (REDIS_7_0, REDIS_7_2, VALKEY)}
    assert names == {
        "redis-7.0": {b"old"},
        "redis-7.2": {b"old", b"new"},
        "valkey-9.1": {b"old", b"new", b"own", b"later"},
    }
    assert CommandTable(VALKEY).commands[b"later"].since == "9.0.0"


def test_variants_say_what_a_version_has_differently() -> None:
    declare(
        "ZRANK key member [WITHSCORE]",
        arity=-3,
        flags="readonly fast",
        tips=["new"],
        variants=[
            Variant(until="7.2.0", arity=3, tips=()),
            Variant(valkey_since="8.0.0", flags="readonly", deprecated=False),
        ],
        deprecated_since="7.0.0",
    )
    old, new, valkey = the_command(REDIS_7_0), the_command(REDIS_7_2), the_command(VALKEY)
    assert (old.arity, old.minimum, old.maximum, old.tips) == (3, 3, 3, ())
    assert (new.arity, new.minimum, new.tips) == (-3, 3, ("new",))
    assert new.maximum > 2**31
    assert (valkey.arity, valkey.flags) == (-3, ("readonly",))
    assert [each.is_deprecated for each in (old, new, valkey)] == [True, True, False]


def test_a_version_may_have_another_way_to_find_keys() -> None:
    def first(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
        return [(1, ("OW", "update"))]

    def second(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
        return [(2, ("RW", "update"))]

    declare(
        "SET key value",
        keys=[key_range("RW update variable_flags", 1)],
        get_keys=first,
        variants=[Variant(since="7.2.0", get_keys=second)],
    )
    argv = [b"SET", b"a", b"b"]
    for version, position in {REDIS_7_0: 1, REDIS_7_2: 2, VALKEY: 1}.items():
        ((found, _),) = the_command(version).keys_of(argv)
        assert found == position


def test_arguments_and_history_end_with_the_version() -> None:
    declare(
        "SET key value [WITHSCORE] [NX | IFEQ value]",
        names=["condition"],
        details={"WITHSCORE": "added=7.2.0", "IFEQ": "valkey-since=8.1.0"},
        history=[("6.0.0", "First."), ("7.2.0", "Second."), ("valkey 8.1.0", "Third.")],
    )
    assert [argument.name for argument in the_command(REDIS_7_0).arguments] == ["key", "value", "nx"]
    assert [argument.name for argument in the_command(REDIS_7_2).arguments] == ["key", "value", "withscore", "nx"]
    assert [argument.name for argument in the_command(VALKEY).arguments] == ["key", "value", "withscore", "condition"]
    assert the_command(REDIS_7_0).history == (("6.0.0", "First."),)
    assert the_command(REDIS_7_2).history == (("6.0.0", "First."), ("7.2.0", "Second."))
    assert the_command(VALKEY).history[-1] == ("8.1.0", "Third.")


@pytest.mark.parametrize(
    ("flags", "explicit", "derived"),
    [
        ("write denyoom fast", "string", "write string fast"),
        ("readonly", "keyspace dangerous", "keyspace read slow dangerous"),
        ("readonly noscript", "scripting", "slow scripting"),
        ("admin noscript", "", "admin slow dangerous"),
        ("pubsub loading", "", "pubsub slow"),
        ("write blocking", "list", "write list slow blocking"),
    ],
)
def test_acl_categories_follow_from_the_flags(flags: str, explicit: str, derived: str) -> None:
    declare("ANY", flags=flags, categories=explicit)
    assert the_command().categories == tuple(derived.split())
    assert set(the_command().categories) <= set(CATEGORIES)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], (0, 0, 0)),
        ([key_range("RO", 1)], (1, 1, 1)),
        ([key_range("OW", 1, last=-1, step=2)], (1, -1, 2)),
        ([key_range("RW", 1, last=-2)], (1, -2, 1)),
        ([key_range("RW", 1), key_range("RW", 2)], (1, 2, 1)),
        ([key_range("OW", 1), key_range("RO", 2, last=-1)], (1, -1, 1)),
        ([key_range("OW", 1), key_range("RO", 3)], (0, 0, 0)),
        ([key_range("OW", 1), key_count("RO", 2)], (1, 1, 1)),
        ([key_count("RO", 1)], (0, 0, 0)),
        ([key_range("RO", 1), key_unknown("RO"), key_unknown("OW")], (1, 1, 1)),
    ],
)
def test_the_old_key_range_is_what_the_specifications_have_in_common(
    keys: list[KeySpec], expected: tuple[int, int, int]
) -> None:
    declare("ANY", keys=keys)
    assert the_command().key_range == expected


@pytest.mark.parametrize(
    ("keys", "movable"),
    [
        ([key_range("RO", 1)], False),
        ([key_range("RO", 1), key_range("OW", ("STORE", 6))], True),
        ([key_count("RO", 1)], True),
        ([key_unknown("RO")], True),
    ],
)
def test_keys_that_no_fixed_range_covers_are_movable(keys: list[KeySpec], movable: bool) -> None:
    declare("ANY", keys=keys)
    assert ("movablekeys" in the_command().flags) is movable


def argv(text: str) -> Argv:
    return [word.encode() for word in text.split()]


@pytest.mark.parametrize(
    ("spec", "request_", "positions"),
    [
        (key_range("RO", 1), "GET a", [1]),
        (key_range("RO", 1), "GET", None),
        (key_range("RW", 1, last=-1, step=2), "MSET a 1 b 2", [1, 3]),
        (key_range("RW", 1, last=-2), "BLPOP a b 0", [1, 2]),
        (key_range("RW", 1, last=-2), "BLPOP a", None),
        (key_range("RO", ("STREAMS", 1), last=-1, limit=2), "XREAD COUNT 1 streams a b 0 0", [4, 5]),
        (key_range("RO", ("STREAMS", 1), last=-1, limit=2), "XREAD COUNT 1", None),
        (key_range("RO", ("STREAMS", 1), last=-1, limit=2), "XREAD COUNT STREAMS", None),
        (key_range("RW", ("KEYS", -2), last=-1), "MIGRATE h 1 x 0 9 KEYS a b", [7, 8]),
        (key_count("RO", 1), "ZUNION 2 a b WITHSCORES", [2, 3]),
        (key_count("RO", 1), "ZUNION 3 a b", None),
        (key_count("RO", 1), "ZUNION 0 a b", None),
        (key_count("RO", 1), "ZUNION -1 a b", None),
        (key_count("RO", 1), "ZUNION two a b", None),
        (key_count("RO", 1), "ZUNION", None),
        (key_count("RW", 2), "EVAL script 1 a b", [3]),
        (key_unknown("RO"), "SORT a BY b", None),
    ],
)
def test_a_specification_finds_its_keys(spec: KeySpec, request_: str, positions: list[int] | None) -> None:
    assert spec.positions(argv(request_)) == positions


def test_a_command_has_the_keys_of_all_its_specifications() -> None:
    declare("LMOVE source destination", keys=[key_range("RW access delete", 1), key_range("RW insert", 2)])
    assert the_command().keys_of(argv("LMOVE a b LEFT RIGHT")) == [
        (1, ("RW", "access", "delete")),
        (2, ("RW", "insert")),
    ]


def test_what_is_not_a_key_is_left_out() -> None:
    declare("SPUBLISH shardchannel message", keys=[key_range("not_key", 1)])
    assert not the_command().takes_keys
    assert the_command().keys_of(argv("SPUBLISH a b")) == []


def by_hand(request: Argv) -> list[tuple[int, tuple[str, ...]]]:
    return [(len(request) - 1, ("OW", "update"))]


@pytest.mark.parametrize(
    "keys",
    [
        [key_range("RW variable_flags", 1)],
        [key_range("RO", 1), key_unknown("OW")],
        [key_range("RO", 3), key_range("RW incomplete", ("KEYS", -2), last=-1)],
        [key_range("RO", 1), key_range("OW", ("STORE", 1))],
    ],
    ids=["variable flags", "unknown", "incomplete", "keyword missing"],
)
def test_where_specifications_do_not_suffice_the_command_finds_its_keys_itself(keys: list[KeySpec]) -> None:
    declare("ANY", keys=keys, get_keys=by_hand)
    assert the_command().keys_of(argv("ANY a b c")) == [(3, ("OW", "update"))]


def test_a_table_is_built_once_per_version() -> None:
    assert CommandTable.for_version(REDIS_7_2) is CommandTable.for_version(REDIS_7_2)
    assert CommandTable.for_version(REDIS_7_2) is not CommandTable.for_version(REDIS_7_0)
