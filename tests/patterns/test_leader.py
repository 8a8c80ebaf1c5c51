"""Leaders: one at a time, terms that rise, and a successor when one resigns, dies or is deposed."""

from __future__ import annotations

import asyncio
import threading

import pytest

from patterns import Leader, aio
from tests.patterns.conftest import Stage
from tests.patterns.waiting import blocked, until


def test_one_leads_until_it_resigns(stage: Stage) -> None:
    one, other = Leader(stage.client, "jobs", identity="one"), Leader(stage.client, "jobs", identity="the other one")
    assert one.leader() is None
    term = one.acquire()
    assert term is not None
    assert other.leader() == "one"
    assert other.acquire(wait=0) is None
    assert term.release()
    assert one.leader() is None
    second = other.acquire(wait=0)
    assert second is not None
    assert second.fence is not None
    assert term.fence is not None
    assert second.fence > term.fence
    assert one.leader() == "the other one"
    second.release()


def test_a_candidate_is_woken_when_the_leader_resigns(stage: Stage) -> None:
    term = Leader(stage.client, "jobs", identity="one").acquire()
    assert term is not None
    elected = threading.Event()

    def campaign() -> None:
        with Leader(stage.client, "jobs", identity="two") as lease:
            assert lease.held
            elected.set()

    candidate = threading.Thread(target=campaign)
    candidate.start()
    until(lambda: blocked(stage.client) == 1)
    term.release()
    assert elected.wait(20)
    candidate.join()


def test_a_dead_leader_is_succeeded(fake: Stage) -> None:
    # It died: nobody renews its lease. A minute of the server's passes at once.
    dead = Leader(fake.client, "jobs", identity="dead")
    dead._renews = False
    assert dead.acquire() is not None
    candidate = Leader(fake.client, "jobs", identity="next")
    assert candidate.acquire(wait=0) is None
    fake.advance(10.001)
    term = candidate.acquire(wait=0)
    assert term is not None
    assert candidate.leader() == "next"
    term.release()


async def test_a_deposed_leader_is_told(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        told = asyncio.Event()
        leader = aio.Leader(client, "jobs", ttl=0.2, on_lost=lambda term: told.set())
        async with leader as term:
            assert await leader.leader() == leader.identity
            await client.delete("leader:{jobs}")
            await asyncio.wait_for(told.wait(), 10)
            assert not term.held


@pytest.mark.parametrize("identity", ["", "a b\nc", "7 8", "é"])
def test_an_identity_is_any_text(stage: Stage, identity: str) -> None:
    leader = Leader(stage.client, "jobs", identity=identity)
    with leader as term:
        assert leader.leader() == identity
        assert term.extend()
    assert leader.leader() is None
