"""Idempotency keys: done once, answered as often as it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import BusyError, Idempotency, KeyReusedError, aio
from patterns.steps import Steps
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play, interleave


def test_it_is_done_once(stage: Stage) -> None:
    idempotency, calls = Idempotency(stage.client), list[int]()
    answers = [idempotency.once("k", lambda: calls.append(1) or {"id": 7}) for _ in range(3)]
    assert answers == [{"id": 7}] * 3
    assert len(calls) == 1
    assert all(stage.client.pttl(key) > 0 for key in stage.client.keys("*"))


def test_none_is_a_result(stage: Stage) -> None:
    idempotency, calls = Idempotency(stage.client), list[int]()
    assert [idempotency.once("k", lambda: calls.append(1)) for _ in range(2)] == [None, None]
    assert len(calls) == 1


def test_what_failed_is_done_again(stage: Stage) -> None:
    idempotency = Idempotency(stage.client)
    with pytest.raises(ZeroDivisionError):
        idempotency.once("k", lambda: 1 / 0)
    with pytest.raises(TypeError):
        idempotency.once("k", lambda: object())
    assert stage.client.keys("*") == []
    assert idempotency.once("k", lambda: "done") == "done"


def test_a_key_stands_for_one_request(stage: Stage) -> None:
    idempotency = Idempotency(stage.client)
    idempotency.once("k", lambda: 1, fingerprint="pay 5")
    with pytest.raises(KeyReusedError):
        idempotency.once("k", lambda: 1, fingerprint="pay 500")
    assert idempotency.once("k", lambda: 2, fingerprint="pay 5") == 1


def test_a_result_is_remembered_for_its_time(fake: Stage) -> None:
    idempotency = Idempotency(fake.client)
    idempotency.once("k", lambda: 1, ttl=100)
    fake.advance(99)
    assert idempotency.once("k", lambda: 2, ttl=100) == 1
    fake.advance(2)
    assert idempotency.once("k", lambda: 2, ttl=100) == 2


def test_who_crashed_is_followed_by_the_next(fake: Stage) -> None:
    idempotency = Idempotency(fake.client, lease=60)
    play = Play(fake.client, Idempotency.once.steps(idempotency, "k", lambda: 1))  # type: ignore[attr-defined]
    while not fake.client.exists("idempotency:{k}"):
        play.step()
    fake.advance(61)
    assert idempotency.once("k", lambda: "next") == "next"
    while not play.ended:  # it was only slow: it is too late
        play.step()
    assert idempotency.once("k", lambda: "never") == "next"


def test_who_does_not_want_to_wait_is_told(stage: Stage) -> None:
    idempotency = Idempotency(stage.client)
    if stage.mini is not None:
        stage.mini.clock.resume()

    def function() -> str:
        with pytest.raises(BusyError):
            idempotency.once("k", lambda: "second", wait=0.01)
        return "first"

    assert idempotency.once("k", function) == "first"


async def test_who_waits_is_woken_and_gets_the_same(stage: Stage) -> None:
    begun, go_on, calls = asyncio.Event(), asyncio.Event(), list[int]()

    async def function() -> str:
        calls.append(1)
        begun.set()
        await go_on.wait()
        return "done"

    async with stage.new_async_client() as client:
        idempotency = aio.Idempotency(client)
        tasks = [asyncio.create_task(idempotency.once("k", function)) for _ in range(5)]
        await begun.wait()
        async with asyncio.timeout(10):
            while not stage.client.hexists("idempotency:{k}", "waited"):
                await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(*tasks) == ["done"] * 5
        assert len(calls) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    kinds=st.lists(st.sampled_from(["works", "fails"]), min_size=2, max_size=5),
    order=st.lists(st.integers(0, 4), max_size=40),
)
def test_in_no_order_is_it_done_twice(stage: Stage, kinds: list[str], order: list[int]) -> None:
    stage.empty()
    done: list[int] = []

    def call(number: int, kind: str) -> Steps[Any]:
        def function() -> int:
            if kind == "fails":
                raise LookupError
            done.append(number)
            return number

        # So patient that it is the order that decides, not the waiting.
        steps = Idempotency.once.steps  # type: ignore[attr-defined]
        return (yield from steps(Idempotency(stage.client, lease=10_000), "k", function))

    plays = [Play(stage.client, call(number, kind)) for number, kind in enumerate(kinds)]
    interleave(plays, order, lambda: None)
    assert len(done) == ("works" in kinds)
    for play, kind in zip(plays, kinds, strict=True):
        if play.error is None:
            assert play.result == done[0]
        else:
            assert (kind, type(play.error)) == ("fails", LookupError)
