"""The wire: what is shown was sent, to the byte; passwords and random bytes are not."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from miniredis import MiniRedis
from patterns.scripts import FOLDER, Script
from patterns.tour.stage import Stage
from patterns.tour.wire import WAITS, Exchange, Wire, reply_text, requests_of, text_of


@given(st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=5), max_size=5))
def test_requests_are_read_from_the_bytes_that_leave(requests: list[list[bytes]]) -> None:
    packed = b"".join(
        b"*%d\r\n" % len(request) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in request)
        for request in requests
    )
    assert requests_of(packed) == requests


def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(ValueError, match="not a request"):
        requests_of(b"GET key\r\n")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"plain", "plain"),
        ("Zürich".encode(), "Zürich"),
        (b"\x01\x00\x00\x00\x2a{}", "‹5 bytes›{}"),
        (b"\xff" * 16, "‹16 bytes›"),
        (b"\xff" * 16 + b"[1]", "‹16 bytes›[1]"),
        (b"\xff" * 3, "‹3 bytes›"),
        (b"two\nlines", "two\\nlines"),
        (b"\x01\xff", "‹2 bytes›"),
        (b"key:" + b"0123456789abcdef" * 4, "key:012345…"),
    ],
)
def test_bytes_as_a_reader_can_take_them_in(data: bytes, text: str) -> None:
    assert text_of(data) == text


@given(st.binary())
def test_whatever_it_is_it_is_one_line(data: bytes) -> None:
    assert text_of(data).isprintable()


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (None, "(nil)"),
        (WAITS, "(waits)"),
        (7, "7"),
        (b"", '""'),
        ([b"a", None, [1]], "[a, (nil), [1]]"),
        ({b"a": 1.5}, "{a: 1.5}"),
        (redis.ResponseError("no"), "(error) no"),
    ],
)
def test_replies_in_one_line(reply: Any, text: str) -> None:
    assert reply_text(reply) == text


def test_scripts_are_shown_by_their_names() -> None:
    wire = Wire()
    script = Script("cache_read")
    for word in (script.text, script.digest):
        assert wire.command(Exchange("app", [b"EVAL", word.encode(), b"1", b"k"], 0)) == "EVAL cache_read.lua 1 k"
    assert {f"{name}.lua" for name in ("cache_read", "gcra")} <= {path.name for path in FOLDER.glob("*.lua")}


def test_commands_of_one_trip_and_their_replies_are_paired() -> None:
    with MiniRedis() as server:
        stage = Stage(server.url)
        client = stage.client()
        client.set("before", "1")
        with stage.wire.listening() as heard:
            pipeline = client.pipeline(transaction=False)
            pipeline.set("a", "x").incr("a").get("a")
            pipeline.execute(raise_on_error=False)
            client.ping()
        names = [(each.name, reply_text(each.reply)) for each in heard]
        assert names[0] == ("SET", "OK")
        assert names[1][1].startswith("(error) ")
        assert names[2:] == [("GET", "x"), ("PING", "PONG")]
        assert [each.trip - heard[0].trip for each in heard] == [0, 0, 0, 1]
        assert all(each.answered_at >= each.sent_at for each in heard)
        stage.close()


def test_passwords_are_not_kept() -> None:
    with MiniRedis(requirepass="secret") as server:
        stage = Stage(server.url.replace("//", "//:secret@"))
        stage.client().set("key", "value")
        assert [each.name for each in stage.wire.exchanges] == ["SET"]
        stage.close()


def test_what_never_happens_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patterns.tour.wire.PATIENCE", 0.01)
    with pytest.raises(TimeoutError):
        Wire().wait_for(lambda: False)
