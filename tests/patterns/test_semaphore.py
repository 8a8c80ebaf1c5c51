"""Semaphores: never more holders than permits, whoever dies, sleeps or asks again."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import NotAcquiredError, Semaphore, aio
from patterns.bench.proofs.lost_replies import LosesReplies
from tests.patterns.conftest import Stage
from tests.patterns.given_time import GivenTime
from tests.patterns.waiting import blocked, until

NOON = 1_800_014_400_000
TTL = 1000
"""Milliseconds that a lease lasts in the schedules."""

RIVALS = st.integers(0, 5)
SCHEDULES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["acquire", "extend", "release"]), RIVALS, st.booleans()),
        st.tuples(st.just("kill"), RIVALS, st.just(False)),
        st.tuples(st.just("pass"), st.sampled_from([1, 300, 999, 1000, 1001, 1001]), st.just(False)),
    ),
    min_size=15,
    max_size=40,
)


class Rivals:
    """Six processes that want a permit, and the model: the leases, by token, and when each ends."""

    def __init__(self, stage: Stage, limit: int) -> None:
        stage.empty()
        self.stage = stage
        self.limit = limit
        self.now = NOON
        self.given = None if stage.mini is not None else GivenTime(stage.client, 0)
        self.set_time()
        self.clients = [LosesReplies(self.given or stage.client) for _ in range(6)]
        self.semaphores = [Semaphore(each, "s", limit, ttl=TTL / 1000, renew=False, wait=0) for each in self.clients]
        self.leases: list[Any] = [None] * 6
        self.ends: dict[str, int] = {}

    def set_time(self) -> None:
        if self.given is not None:
            self.given.now = self.now * 1000
        else:
            assert self.stage.mini is not None
            self.stage.mini.clock.set(self.now / 1000)
        self.ends = {token: end for token, end in getattr(self, "ends", {}).items() if end > self.now}

    def acquire(self, rival: int) -> None:
        lease = self.semaphores[rival].acquire()
        assert (lease is not None) == (len(self.ends) < self.limit)
        if lease is not None:
            self.leases[rival] = lease
            self.ends[lease.token] = self.now + TTL

    def extend(self, rival: int) -> None:
        lease = self.leases[rival]
        if lease is not None:
            assert lease.extend() is (lease.token in self.ends)
            if lease.token in self.ends:
                self.ends[lease.token] = self.now + TTL

    def release(self, rival: int) -> None:
        lease, self.leases[rival] = self.leases[rival], None
        if lease is not None:
            # Asked again it says that there is nothing to release, which by then is true.
            loses_reply = bool(self.clients[rival].losing)
            assert lease.release() is (lease.token in self.ends and not loses_reply)
            self.ends.pop(lease.token, None)

    def do(self, action: str, subject: int, loses_reply: bool) -> None:
        if action == "pass":
            self.now += subject
            self.set_time()
        elif action == "kill":
            self.leases[subject] = None
        else:
            self.clients[subject].losing = int(loses_reply)
            getattr(self, action)(subject)
            self.clients[subject].losing = 0
        assert len(self.ends) <= self.limit
        for each in ("semaphore:{s}", "semaphore:{s}:wake"):
            assert self.stage.client.pttl(each) != -1
        assert self.stage.client.llen("semaphore:{s}:wake") <= self.limit


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 3), schedule=SCHEDULES)
def test_there_are_never_more_holders_than_permits(stage: Stage, limit: int, schedule: list[Any]) -> None:
    rivals = Rivals(stage, limit)
    for action in schedule:
        rivals.do(*action)


def test_many_threads_share_the_permits(stage: Stage) -> None:
    """miniredis' clock stands still meanwhile: no wait of theirs runs out, so each is woken by one before."""
    inside, most = 0, 0
    guard = threading.Lock()

    def work(_: int) -> None:
        nonlocal inside, most
        with Semaphore(stage.client, "s", 3, wait=60):
            with guard:
                inside += 1
                most = max(most, inside)
            stage.client.ping()
            with guard:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(60)))
    assert 1 < most <= 3
    assert stage.client.zcard("semaphore:{s}") == 0


async def test_many_tasks_share_the_permits(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        inside = 0
        semaphore = aio.Semaphore(client, "s", 3, wait=60)

        async def work() -> None:
            nonlocal inside
            async with semaphore:
                inside += 1
                assert inside <= 3
                await client.ping()
                inside -= 1

        await asyncio.gather(*(work() for _ in range(40)))


def test_who_waits_is_woken_by_each_release(stage: Stage) -> None:
    semaphore = Semaphore(stage.client, "s", 2, wait=60)
    leases = [semaphore.acquire(), semaphore.acquire()]

    def wait() -> None:
        lease = semaphore.acquire()
        assert lease is not None
        assert lease.release()

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: blocked(stage.client) == 2)
    for lease in leases:
        assert lease is not None
        assert lease.release()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_acquiring_is_bounded(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    with Semaphore(stage.client, "s", 1):
        assert Semaphore(stage.client, "s", 1).acquire(wait=0) is None
        with pytest.raises(NotAcquiredError), Semaphore(stage.client, "s", 1, wait=0.05):
            pass


def test_there_is_at_least_one_permit() -> None:
    with pytest.raises(ValueError, match="1 permit or more"):
        Semaphore(None, "s", 0)
