"""Idempotency keys: done once, answered as often as it is asked."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import BusyError, Idempotency, KeyReusedError, UnstorableError, aio
from patterns.idempotency import BEGIN, END
from patterns.steps import Steps, run
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play, interleave
from tests.patterns.waiting import until_async


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
    assert stage.client.keys("*") == []
    assert idempotency.once("k", lambda: "done") == "done"


def test_what_is_done_is_not_done_again_because_its_result_cannot_be_stored(stage: Stage) -> None:
    idempotency, calls = Idempotency(stage.client), list[int]()

    def function() -> object:
        calls.append(1)
        return object()

    for _ in range(2):
        with pytest.raises(UnstorableError, match=r"'k' was done, .*JSON"):
            idempotency.once("k", function)
    assert len(calls) == 1
    assert stage.client.ttl("idempotency:{k}") > 3600


@pytest.mark.parametrize("ttl", [0, math.inf, -1])
def test_a_time_that_is_none_is_refused_before_anything_is_begun(stage: Stage, ttl: float) -> None:
    with pytest.raises(ValueError, match="duration"):
        Idempotency(stage.client).once("k", lambda: 1, ttl=ttl)
    assert stage.client.keys("*") == []


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
        for wait in (0, 0.01):
            with pytest.raises(BusyError):
                idempotency.once("k", lambda: "second", wait=wait)
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


def test_who_is_woken_often_waits_no_less(stage: Stage) -> None:
    """However many others have begun, and failed, meanwhile."""
    run(stage.client, BEGIN(["idempotency:{k}", "idempotency:{k}:wake"], [b"t" * 16, 1_000_000, ""]))
    steps = Idempotency.once.steps(Idempotency(stage.client), "k", lambda: "ours", wait=60)  # type: ignore[attr-defined]
    waiter = Play(stage.client, steps)
    for _ in range(300):
        waiter.step()
    assert not waiter.ended
    run(stage.client, END(["idempotency:{k}", "idempotency:{k}:wake"], [b"t" * 16, 0, 1000]))
    while not waiter.ended:
        waiter.step()
    assert waiter.result == "ours"


class Held:
    """An asyncio client that stops, once it is told to, before it sends a command, or before it brings the reply."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.before = self.after = False
        self.stopped, self.go_on = asyncio.Event(), asyncio.Event()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        await self.hold(self.before)
        reply = await self.client.execute_command(*args, **options)
        await self.hold(self.after)
        return reply

    async def hold(self, holds: bool) -> None:
        if holds:
            self.stopped.set()
            await self.go_on.wait()


async def test_cancelled_while_it_begins_it_keeps_nobody_waiting(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        held = Held(client)
        held.after = True
        task = asyncio.create_task(aio.Idempotency(held).once("k", lambda: "never"))
        await held.stopped.wait()
        assert stage.client.exists("idempotency:{k}")
        task.cancel()
        held.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await aio.Idempotency(client).once("k", lambda: "ours", wait=0) == "ours"


async def test_cancelled_while_its_result_is_noted_it_is_done(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        held = Held(client)

        def function() -> str:
            held.before = True
            return "done"

        task = asyncio.create_task(aio.Idempotency(held).once("k", function))
        await held.stopped.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.go_on.set()
        await until_async(lambda: bool(stage.client.hexists("idempotency:{k}", "result")))
        assert await aio.Idempotency(client).once("k", lambda: "again") == "done"


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
