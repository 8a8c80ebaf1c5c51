"""Sets: order, encodings, copies. The encodings are those that Valkey 9.1 and, without listpacks, Redis 7.0 show."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.structures.set import Set


@dataclass
class Limits:
    set_max_intset_entries: int = 512
    set_max_listpack_entries: int = 128
    set_max_listpack_value: int = 64


REDIS_7_2 = Limits()
REDIS_7_0 = Limits(set_max_listpack_entries=0)


def made_of(*members: bytes, limits: Limits = REDIS_7_2) -> Set:
    made = Set.for_member(members[0], limits)
    for member in members:
        made.add(member, limits)
    return made


def integers(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def words(count: int) -> list[bytes]:
    return [b"m%d" % number for number in range(count)]


@pytest.mark.parametrize(
    ("members", "encoding", "without_listpacks"),
    [
        ([b"1"], "intset", "intset"),
        ([b"a"], "listpack", "hashtable"),
        ([b"01"], "listpack", "hashtable"),
        ([b"-0"], "listpack", "hashtable"),
        ([b"+2"], "listpack", "hashtable"),
        ([b""], "listpack", "hashtable"),
        ([b"9223372036854775807", b"-9223372036854775808"], "intset", "intset"),
        ([b"9223372036854775808"], "listpack", "hashtable"),
        ([b"1", b"a"], "listpack", "hashtable"),
        ([b"x" * 64], "listpack", "hashtable"),
        ([b"x" * 65], "hashtable", "hashtable"),
        ([b"1", b"x" * 65], "hashtable", "hashtable"),
        (integers(512), "intset", "intset"),
        (integers(513), "hashtable", "hashtable"),
        (words(128), "listpack", "hashtable"),
        (words(129), "hashtable", "hashtable"),
        ([*integers(127), b"x"], "listpack", "hashtable"),
        ([*integers(128), b"x"], "hashtable", "hashtable"),
    ],
)
def test_the_encoding_follows_the_members(members: list[bytes], encoding: str, without_listpacks: str) -> None:
    assert made_of(*members).encoding == encoding
    assert made_of(*members, limits=REDIS_7_0).encoding == without_listpacks


def test_a_long_integer_keeps_a_set_from_becoming_a_listpack() -> None:
    limits = Limits(set_max_listpack_value=3)
    assert made_of(b"123", b"x", limits=limits).encoding == "listpack"
    assert made_of(b"1234", b"x", limits=limits).encoding == "hashtable"


def test_an_encoding_never_goes_back() -> None:
    members = made_of(b"1", b"x" * 65)
    members.remove(b"x" * 65)
    assert members.encoding == "hashtable"


def test_a_member_that_is_there_changes_nothing() -> None:
    members = made_of(*words(128))
    assert not members.add(b"m5", REDIS_7_2)
    assert (members.encoding, len(members)) == ("listpack", 128)


def test_a_set_can_be_created_for_a_number_of_members() -> None:
    assert Set.for_member(b"1", REDIS_7_2, 512).encoding == "intset"
    assert Set.for_member(b"1", REDIS_7_2, 513).encoding == "hashtable"
    assert Set.for_member(b"a", REDIS_7_2, 129).encoding == "hashtable"
    assert Set.for_member(b"1", Limits(set_max_intset_entries=3), 4).encoding == "listpack"


def test_an_intset_is_in_order_of_its_numbers() -> None:
    members = made_of(b"5", b"1", b"10", b"-3")
    assert list(members) == [b"-3", b"1", b"5", b"10"]
    members.add(b"7", REDIS_7_2)
    members.remove(b"1")
    assert list(members) == [b"-3", b"5", b"7", b"10"]


def test_a_listpack_is_in_order_of_insertion_after_the_numbers_it_began_with() -> None:
    members = made_of(b"3", b"1", b"2", b"x", b"0")
    assert list(members) == [b"1", b"2", b"3", b"x", b"0"]
    members.remove(b"2")
    members.add(b"2", REDIS_7_2)
    assert list(members) == [b"1", b"3", b"x", b"0", b"2"]


def test_a_copy_shares_nothing() -> None:
    members = made_of(b"2", b"1")
    twin = members.copy()
    members.add(b"x", REDIS_7_2)
    assert (list(twin), twin.encoding) == ([b"1", b"2"], "intset")


@given(st.lists(st.sampled_from([*integers(6), b"a", b"b", b"x" * 5])), st.booleans())
def test_members_at_once_or_one_by_one_make_the_same_set(members: list[bytes], in_a_listpack: bool) -> None:
    limits = Limits(set_max_intset_entries=3, set_max_listpack_entries=4, set_max_listpack_value=4)
    encoding = "listpack" if in_a_listpack else "intset"
    at_once = Set.from_members(members, limits, encoding)
    one_by_one = Set(encoding)
    for member in members:
        one_by_one.add(member, limits)
    assert at_once.encoding == one_by_one.encoding
    assert sorted(at_once) == sorted(one_by_one)
    if at_once.encoding != "hashtable":
        assert list(at_once) == list(one_by_one)


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3).map(lambda number: b"%d" % number))))
def test_a_set_has_the_members_that_were_added_and_not_removed(changes: list[tuple[bool, bytes]]) -> None:
    members, model = Set(), set()
    members.index().scan(0, 1)  # from here on the index has to follow
    for adds, member in changes:
        if adds:
            assert members.add(member, REDIS_7_2) == (member not in model)
            model.add(member)
        else:
            assert members.remove(member) == (member in model)
            model.discard(member)
    assert list(members) == sorted(model, key=int)
    assert sorted(members.index().scan(0, 100)[1]) == sorted(model)
