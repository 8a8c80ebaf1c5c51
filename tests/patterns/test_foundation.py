"""What all patterns stand on: steps, scripts, keys, durations, clients from URLs."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

import patterns
from patterns import aio
from patterns.connect import parse
from patterns.durations import milliseconds
from patterns.keys import check_prefix, key
from patterns.patience import slice_ms
from patterns.scripts import FOLDER, Script, pipeline
from patterns.steps import Call, Command, Pipeline, Shielded, Spawn, Steps, Wait, run, run_async
from tests.patterns.conftest import Stage

NAMES = st.text(alphabet="ab{}#:", max_size=6) | st.text(max_size=8)
PARTS = st.sampled_from(["", "a", "b"]) | st.text(alphabet="ab{}#:", max_size=6)
PREFIXES = st.text(alphabet="ab:#", max_size=3)


@given(prefix=PREFIXES, name=NAMES, part=st.sampled_from(["lease", "wake"]))
def test_a_part_is_in_the_slot_of_its_thing(prefix: str, name: str, part: str) -> None:
    assert key_slot(key(prefix, name).encode()) == key_slot(key(prefix, name, part).encode())


@example(("", "a", "b}:c"), ("", "a}:b", "c"))
@given(
    one=st.tuples(PREFIXES, NAMES, PARTS),
    other=st.tuples(PREFIXES, NAMES, PARTS),
)
def test_different_names_are_different_keys(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (key(*one) == key(*other)) == (one == other)


def test_a_prefix_has_no_braces() -> None:
    with pytest.raises(ValueError, match="braces"):
        check_prefix("a{b")


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(0.5, 500), (1.1, 1100), (0.0001, 1), (timedelta(minutes=1), 60_000), (30, 30_000), (0.0015, 2)],
)
def test_durations_become_milliseconds_and_never_zero(duration: Any, expected: int) -> None:
    assert milliseconds(duration) == expected


@pytest.mark.parametrize("duration", [0, -1, float("nan"), float("inf"), timedelta(seconds=-1)])
def test_what_is_no_duration_is_refused(duration: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        milliseconds(duration)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.lua")), ids=lambda path: path.stem)
def test_each_script_says_its_keys_arguments_and_reply(path: Path) -> None:
    lines = path.read_text().splitlines()
    header = "\n".join(lines[: next(place for place, line in enumerate(lines) if not line.startswith("--"))])
    assert "-- Reply:" in header
    for kind in ("KEYS", "ARGV"):
        used = {int(digit) for digit in "123456789" if f"{kind}[{digit}]" in "\n".join(lines)}
        assert used == {digit for digit in used if f"{kind}[{digit}]" in header}


def test_a_script_survives_script_flush(stage: Stage) -> None:
    begin = Script("generation_begin")
    for _ in range(2):
        stage.client.script_flush()
        assert run(stage.client, begin(["{a}", "{a}b"], ["one", 1000])) == [b"one", None]


def test_scripts_in_a_pipeline_survive_too(stage: Stage) -> None:
    begin = Script("generation_begin")
    stage.client.script_flush()
    commands = [
        begin.command(["{a}", "{a}b"], ["one", 1000]),
        Command("INCR", "n"),
        Command("LPUSH", "n", "x"),
        begin.command(["{c}", "{c}b"], ["two", 1000]),
    ]
    first, number, error, last = run(stage.client, pipeline(commands))
    assert (first, number, last) == ([b"one", None], 1, [b"two", None])
    assert isinstance(error, redis.ResponseError)
    assert str(error).startswith("WRONGTYPE")


async def test_the_same_steps_await(stage: Stage) -> None:
    async def coroutine(value: int) -> int:
        await asyncio.sleep(0)
        return value

    def steps() -> Steps[Any]:
        yield Command("SET", "k", b"\xff")
        one = yield Call(coroutine, 1)
        replies = yield Pipeline([Command("GET", "k"), Command("NOSUCH")])
        return one, replies[0], type(replies[1])

    async with stage.new_async_client(decode_responses=True) as client:
        assert await run_async(client, steps()) == (1, b"\xff", redis.ResponseError)


def test_replies_are_bytes_whatever_the_client_decodes(stage: Stage) -> None:
    with stage.new_client(decode_responses=True) as client:
        run(client, _set(b"\xff"))
        assert run(client, _get()) == b"\xff"


def _set(value: bytes) -> Steps[Any]:
    yield Command("SET", "k", value)


def _get() -> Steps[Any]:
    return (yield Command("GET", "k"))


@pytest.mark.parametrize(("timeout", "expected"), [(None, 1000), (5, 1000), (0.5, 200), (0.1, 1), (0.001, 1)])
def test_a_wait_is_shorter_than_the_clients_patience(timeout: float | None, expected: int) -> None:
    with redis.Redis(socket_timeout=timeout) as client:
        assert slice_ms(client) == expected


def test_an_exception_is_thrown_into_the_steps() -> None:
    def fail() -> None:
        raise LookupError

    def steps() -> Steps[str]:
        try:
            yield Call(fail)
        except LookupError:
            return "caught"
        return "not"

    assert run(None, steps()) == "caught"
    assert asyncio.run(run_async(None, steps())) == "caught"


async def test_shielded_steps_outlive_their_caller() -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def inner() -> Steps[None]:
        yield Call(begun.set)
        yield Wait(go_on)
        ended.set()

    def outer() -> Steps[None]:
        yield Shielded(inner())

    task = asyncio.create_task(run_async(None, outer()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await asyncio.wait_for(ended.wait(), 5)


def test_what_is_spawned_runs_beside() -> None:
    go_on = threading.Event()

    def inner() -> Steps[None]:
        yield Wait(go_on)

    def outer() -> Steps[Any]:
        return (yield Spawn(inner()))

    background = run(None, outer())
    assert not background.ended.is_set()
    go_on.set()
    assert background.ended.wait(5)


def test_urls_of_several_hosts_are_taken_apart() -> None:
    address = parse("redis+sentinel://me:p%40ss@h1,h2:5,[::1]:7/mymaster/3?socket_timeout=1.5", 26379)
    assert address.hosts == [("h1", 26379), ("h2", 5), ("::1", 7)]
    assert address.path == ["mymaster", "3"]
    assert address.options == {"username": "me", "password": "p@ss", "socket_timeout": 1.5}


@pytest.mark.parametrize("url", ["redis+sentinel://", "redis+sentinel://h", "redis+cluster://", "http://h"])
def test_urls_that_say_nothing_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        patterns.connect(url)


async def test_connect_understands_one_server(stage: Stage) -> None:
    with patterns.connect(stage.url) as client:
        assert client.ping()
    async with aio.connect(stage.url) as client:
        assert await client.ping()
