"""Rivals for one lock, under a clock that is moved: who acquires, extends, releases, dies, forgets, asks again.

A schedule is a list of actions; the model says after each who has the lock, and so what the next answer has to be.
What is not so is a :class:`BrokenPromise`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import redis

from miniredis import MiniRedis
from patterns import Lock
from patterns.bench.proofs.lost_replies import LosesReplies

NOON: Final = 1_800_014_400
TTL: Final = 1000
"""Milliseconds that a lease lasts."""
RIVALS: Final = 4

Action: TypeAlias = tuple[str, int, bool]
"""What is done, by which rival (or for how many milliseconds nothing is), and whether the reply is lost."""

ACTIONS: Final = ("acquire", "extend", "release", "acquire and die", "kill", "write", "pass", "evict")
PAUSES: Final = (1, 300, 999, 1000, 1001)


class BrokenPromise(AssertionError):  # noqa: N818 - as Python's own is named
    """A lock did what it must not do."""


def _expect(kept: bool, otherwise: str) -> None:
    if not kept:
        raise BrokenPromise(otherwise)


@dataclass
class Holder:
    """Who has the lock by the model, and until when."""

    rival: int | None
    fence: int
    until: int


class Rivals:
    """Four processes that want one lock, and the model of who has it. Time is in milliseconds."""

    def __init__(self, mini: MiniRedis, client: redis.Redis) -> None:
        client.flushall()
        mini.clock.set(NOON)
        self.mini = mini
        self.client = client
        self.now = 0
        self.clients = [LosesReplies(client) for _ in range(RIVALS)]
        self.locks = [Lock(client, "l", ttl=TTL / 1000, renew=False, wait=0) for client in self.clients]
        self.leases: list[Any] = [None] * RIVALS
        self.holder: Holder | None = None
        self.last_fence = 0
        self.taken = 0
        self.highest_written = 0

    def owner(self) -> Holder | None:
        # A key is there to the end of its last millisecond.
        return self.holder if self.holder is not None and self.now <= self.holder.until else None

    def acquire(self, rival: int) -> None:
        lease = self.locks[rival].acquire()
        _expect(
            (lease is None) == (self.owner() is not None), "it was given though somebody has it, or refused though free"
        )
        if lease is not None:
            fence = lease.fence or 0
            _expect(fence > self.last_fence, "a fence did not rise")
            self.taken += 1
            self.last_fence = fence
            self.leases[rival] = lease
            self.holder = Holder(rival, fence, self.now + TTL)

    def acquire_and_die(self, rival: int) -> None:
        self.acquire(rival)
        self.kill(rival)

    def kill(self, rival: int) -> None:
        """It knows nothing any more; what it had stays as it is on the server."""
        self.leases[rival] = None
        if self.holder is not None and self.holder.rival == rival:
            self.holder.rival = None

    def owns(self, rival: int) -> bool:
        owner = self.owner()
        return owner is not None and owner.rival == rival and owner.fence == self.leases[rival].fence

    def extend(self, rival: int) -> None:
        if self.leases[rival] is None:
            return
        owns = self.owns(rival)
        _expect(self.leases[rival].extend() is owns, "somebody else than its holder extended it, or not its holder")
        if owns and self.holder is not None:
            self.holder.until = self.now + TTL

    def release(self, rival: int) -> None:
        if self.leases[rival] is None:
            return
        owns = self.owns(rival)
        _expect(self.leases[rival].release() is owns, "somebody else than its holder released it, or not its holder")
        self.leases[rival] = None
        if owns:
            self.holder = None

    def write(self, rival: int) -> None:
        """The resource refuses a number below the highest: once the owner has written, nobody else is let through."""
        lease = self.leases[rival]
        if lease is None or lease.fence < self.highest_written:
            return
        owner = self.owner()
        if owner is not None and self.highest_written == owner.fence:
            _expect(self.owns(rival), "the resource let somebody through who is late")
        self.highest_written = lease.fence

    def evict(self) -> None:
        """The server loses the last fence; no two moments are the same by its clock."""
        self.client.delete("lock:{l}:fence")
        self.let_pass(1)

    def let_pass(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.mini.clock.set(NOON + self.now / 1000)

    def do(self, action: str, subject: int, loses_reply: bool) -> None:
        if action == "pass":
            self.let_pass(subject)
        elif action == "evict":
            self.evict()
        else:
            self.clients[subject].losing = int(loses_reply)
            getattr(self, action.replace(" ", "_"))(subject)
            self.clients[subject].losing = 0
        for each in ("lock:{l}", "lock:{l}:fence", "lock:{l}:wake"):
            _expect(self.client.pttl(each) != -1, f"{each} never expires")


@dataclass(frozen=True)
class Seen:
    """What some schedules showed."""

    schedules: int
    actions: int
    taken: int
    """How often the lock was taken; each time with a higher number than ever before in its schedule."""
    broken: tuple[str, ...]
    """What went wrong, with the seed of the schedule."""


def schedule(seed: int) -> list[Action]:
    """A schedule of 20 to 40 actions."""
    chance = random.Random(seed)
    actions: list[Action] = []
    for _ in range(chance.randint(20, 40)):
        name = chance.choice(ACTIONS)
        subject = chance.choice(PAUSES) if name == "pass" else chance.randrange(RIVALS)
        actions.append((name, subject, name in ("acquire", "extend", "release") and chance.random() < 0.3))
    return actions


def run(schedules: int, *, first_seed: int = 0) -> Seen:
    """Play so many schedules, on a miniredis of their own."""
    actions = taken = 0
    broken = []
    mini = MiniRedis()
    mini.clock.freeze()
    client = mini.client()
    for seed in range(first_seed, first_seed + schedules):
        rivals = Rivals(mini, client)
        try:
            for action in schedule(seed):
                rivals.do(*action)
                actions += 1
        except BrokenPromise as error:
            broken.append(f"seed {seed}: {error}")
        taken += rivals.taken
    client.close()
    return Seen(schedules, actions, taken, tuple(broken))
