"""A leaderboard: who is best, where somebody stands, who is just above and below.

**The problem.** A sorted set does nearly all of it, but its ranks begin at 0 and tell equals apart by their names; a
score and its expiry are two commands, a member with its neighbours three, between which the board changes.

**The guarantee.** Each answer is one moment's. Equals share a rank, and the next has the rank that counts all above
it: 1, 2, 2, 4. With ``keep="best"`` a score never goes down, in whatever order its reports arrive. A board has a TTL
from its last change, unless ``ttl`` is None.

**The price.** One round trip for everything; O(log n) for a rank.

**Not for** boards of hundreds of millions, which do not fit one node. Scores are doubles: whole numbers are exact up
to 2^53.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Command, Steps

WRITE: Final = Script("leaderboard_write")
RANK: Final = Script("leaderboard_rank")
READ: Final = Script("leaderboard_read")

MONTH: Final = 30 * 86400


@dataclass(frozen=True, slots=True)
class Standing:
    """A member, its score, and its rank from 1, which it shares with its equals."""

    member: str
    score: float
    rank: int


class LeaderboardOperations(Pattern):
    """``board.submit("ada", 120)``, ``board.top(10)``, ``board.around("ada", 2)``"""

    def __init__(
        self,
        client: Any,
        name: str,
        *,
        keep: Literal["last", "best"] = "last",
        size: int | None = None,
        ttl: Duration | None = MONTH,
        prefix: str = "leaderboard:",
    ) -> None:
        if keep not in ("last", "best"):
            raise ValueError(f'keep is "last" or "best": {keep!r}')
        if size is not None and size < 1:
            raise ValueError(f"a size is 1 or more: {size!r}")
        self.client = client
        self._key = key(check_prefix(prefix), name)
        self._mode = "best" if keep == "best" else "set"
        self._rest = (0 if ttl is None else milliseconds(ttl), size or 0)

    @operation
    def submit(self, member: str, score: float) -> Steps[Standing | None]:
        """A member has reached a score. Where it stands now; None if it is not among the *size* best."""
        return _standing(member, (yield from WRITE((self._key,), (member, score, self._mode, *self._rest))))

    @operation
    def add(self, member: str, points: float) -> Steps[Standing | None]:
        """Add to a member's score, which is 0 to begin with. Asked again after a lost reply, it adds again."""
        return _standing(member, (yield from WRITE((self._key,), (member, points, "add", *self._rest))))

    @operation
    def remove(self, member: str) -> Steps[bool]:
        """Take a member off the board. False if it was not there."""
        return bool((yield Command("ZREM", self._key, member)))

    @operation
    def standing(self, member: str) -> Steps[Standing | None]:
        """Where a member stands, or None if it is not there."""
        return _standing(member, (yield from RANK((self._key,), (member,))))

    @operation
    def top(self, count: int = 10, *, offset: int = 0) -> Steps[list[Standing]]:
        """The best, or the next *count* after the first *offset*."""
        if count < 1 or offset < 0:
            raise ValueError(f"a count is 1 or more, an offset 0 or more: {count!r}, {offset!r}")
        return _standings(*(yield from READ((self._key,), (offset, count))))

    @operation
    def around(self, member: str, count: int = 2) -> Steps[list[Standing]]:
        """A member between *count* above and *count* below it; empty if it is not there."""
        if count < 0:
            raise ValueError(f"a count is 0 or more: {count!r}")
        return _standings(*(yield from READ((self._key,), (0, count, member))))

    @operation
    def size(self) -> Steps[int]:
        """How many members there are."""
        count: int = yield Command("ZCARD", self._key)
        return count


def _standing(member: str, reply: Sequence[Any] | None) -> Standing | None:
    return None if reply is None else Standing(member, float(reply[0]), reply[1])


def _standings(place: int, rank: int, found: Sequence[bytes]) -> list[Standing]:
    standings: list[Standing] = []
    for member, text in zip(found[::2], found[1::2], strict=True):
        place += 1
        score = float(text)
        if standings:
            rank = standings[-1].rank if standings[-1].score == score else place
        standings.append(Standing(member.decode(), score, rank))
    return standings


class Leaderboard(LeaderboardOperations, Blocking):
    __doc__ = LeaderboardOperations.__doc__
