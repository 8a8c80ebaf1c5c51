"""Codecs: what is written is read as it was, and what was not written by us is refused, and never executed."""

from __future__ import annotations

import pickle
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patterns import JSON, MISSING, Cache, Codec, Compressed, Msgpack, SignedPickle
from tests.patterns.conftest import Stage

SECRET = b"0123456789abcdef"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=10,
)
SMALL = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text() | st.integers(0, 9), values, max_size=4),
    max_leaves=10,
)


@given(JSON_VALUES, st.integers(0, 20))
def test_json_compressed_or_not(value: Any, above: int) -> None:
    assert JSON.loads(JSON.dumps(value)) == value
    codec = Compressed(above=above)
    assert codec.loads(codec.dumps(value)) == value


@given(SMALL)
def test_msgpack(value: Any) -> None:
    codec = Msgpack()
    assert codec.loads(codec.dumps(value)) == value


@given(SMALL | st.dates() | st.tuples(st.integers(), st.sets(st.text())))
def test_signed_pickle(value: Any) -> None:
    codec = SignedPickle(SECRET)
    assert codec.loads(codec.dumps(value)) == value


CODECS = [JSON, Msgpack(), SignedPickle(SECRET), Compressed(above=0), Compressed(Msgpack(), above=0)]


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: type(codec).__name__)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_value_error(codec: Codec, data: bytes) -> None:
    try:
        codec.loads(data)
    except ValueError:
        return


@pytest.mark.parametrize("data", [b"\x81\x90\x01", b"\x81\x80\x01"], ids=["a list", "a dict"])
def test_msgpack_whose_key_cannot_be_one_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="no MessagePack"):
        Msgpack().loads(data)


class Trap:
    sprung = False

    def __reduce__(self) -> Any:
        return (setattr, (Trap, "sprung", True))


@given(flip=st.integers(0, 8 * 60 - 1))
def test_nothing_is_unpickled_that_we_did_not_sign(flip: int) -> None:
    codec = SignedPickle(SECRET)
    for data in (pickle.dumps(Trap()), b"\0" * 32 + pickle.dumps(Trap()), SignedPickle(b"x" * 16).dumps(Trap())):
        with pytest.raises(ValueError, match="signature"):
            codec.loads(data)
    forged = bytearray(codec.dumps(Trap()))
    forged[flip // 8 % len(forged)] ^= 1 << flip % 8
    with pytest.raises(ValueError, match="signature"):
        codec.loads(bytes(forged))
    assert not Trap.sprung


def test_a_secret_follows_another() -> None:
    old, new = SignedPickle(SECRET), SignedPickle(b"another secret..", SECRET)
    assert new.loads(old.dumps(date(2026, 1, 1))) == date(2026, 1, 1)
    with pytest.raises(ValueError, match="signature"):
        old.loads(new.dumps(1))
    for secrets in ((), (b"short",)):
        with pytest.raises(ValueError, match="16 bytes"):
            SignedPickle(*secrets)


def test_a_bomb_is_refused() -> None:
    bomb = Compressed(above=0).dumps("x" * 1_000_000)
    assert len(bomb) < 2000
    with pytest.raises(ValueError, match="too large"):
        Compressed(most=100_000).loads(bomb)


def test_what_is_small_or_does_not_become_smaller_stays_as_it_is() -> None:
    assert Compressed(above=10).dumps("a" * 8) == b'\0"aaaaaaaa"'
    assert Compressed(above=0).dumps("a") == b'\0"a"'
    assert len(Compressed().dumps("a" * 5000)) < 100


@pytest.mark.parametrize(
    "codec", [Msgpack(), SignedPickle(SECRET), Compressed(above=0)], ids=lambda codec: type(codec).__name__
)
def test_a_cache_takes_any_of_them_and_reloads_what_another_wrote(stage: Stage, codec: Codec) -> None:
    Cache(stage.client).set("k", [1, "two"])
    cache = Cache(stage.client, codec=codec)
    assert cache.get("k") is MISSING or isinstance(codec, Msgpack)
    cache.invalidate("k")
    assert cache.get_or_load("k", lambda: {"a": [1, "two"] * 50}) == {"a": [1, "two"] * 50}
    assert cache.get("k") == {"a": [1, "two"] * 50}
