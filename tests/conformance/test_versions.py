"""Which version a recorded reply holds for, and what has changed between two."""

from __future__ import annotations

import pytest

from conformance.versions import ALWAYS, Condition, Version, encoding_change

REDIS_7_0, REDIS_7_2 = Version.parse("redis-7.0"), Version.parse("redis-7.2")
VALKEY_8_0, VALKEY_9_1 = Version.parse("valkey-8.0"), Version.parse("valkey-9.1.2")


@pytest.mark.parametrize("text", ["resp3", "since redis-7.2", "before redis-7.0", "resp2 since valkey-9.1"])
def test_a_condition_is_written_as_it_is_read(text: str) -> None:
    assert str(Condition.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "resp4", "redis-7.2", "since", "since 7.2", "since redis-7.2 resp3", "resp3since redis-7.2"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no (condition|version)"):
        Condition.parse(text)


def test_valkey_inherits_what_redis_was_when_it_was_forked() -> None:
    assert VALKEY_8_0.inherits(REDIS_7_2)
    assert VALKEY_9_1.inherits(VALKEY_8_0)
    assert not VALKEY_9_1.inherits(Version.parse("redis-7.4"))
    assert not Version.parse("redis-8.0").inherits(VALKEY_8_0)


@pytest.mark.parametrize(
    ("condition", "holding"),
    [
        ("resp3", set()),
        ("since redis-7.2", {REDIS_7_2, VALKEY_8_0, VALKEY_9_1}),
        ("since valkey-9.1", {VALKEY_9_1}),
        ("before redis-7.2", {REDIS_7_0}),
        ("resp2 since valkey-8.0", {VALKEY_8_0, VALKEY_9_1}),
    ],
)
def test_a_condition_holds_from_a_version_on(condition: str, holding: set[Version]) -> None:
    versions = (REDIS_7_0, REDIS_7_2, VALKEY_8_0, VALKEY_9_1)
    assert {version for version in versions if Condition.parse(condition).holds(version, 2)} == holding


def test_without_a_condition_a_reply_holds_for_everybody() -> None:
    assert ALWAYS.holds(REDIS_7_0, 2)
    assert ALWAYS.holds(VALKEY_9_1, 3)


def test_an_encoding_may_differ_between_versions_of_which_one_has_it_and_one_not_yet() -> None:
    listpack, quicklist = b"listpack", b"quicklist"
    assert encoding_change(b"list", (quicklist, listpack), (REDIS_7_0, VALKEY_9_1)) == "since redis-7.2"
    assert encoding_change(b"list", (listpack, quicklist), (VALKEY_9_1, REDIS_7_0)) == "since redis-7.2"
    assert not encoding_change(b"list", (listpack, quicklist), (REDIS_7_0, VALKEY_9_1))
    assert not encoding_change(b"list", (quicklist, listpack), (REDIS_7_2, VALKEY_9_1))
    assert not encoding_change(b"hash", (quicklist, listpack), (REDIS_7_0, VALKEY_9_1))
