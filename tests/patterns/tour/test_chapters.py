"""Every chapter, on miniredis and on a real server: its figures are what was counted, and nothing is left behind."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from rich.console import Console

from patterns.tour.chapters import CHAPTERS
from patterns.tour.chapters.cache import REQUESTS, USERS
from patterns.tour.chapters.coordination import PERMITS, WORKERS
from patterns.tour.chapters.rate_limits import LIMIT, TRAFFIC
from patterns.tour.chapters.round_trips import BUYERS, COMMANDS, ROUNDS, STOCK
from patterns.tour.chapters.stampede import PROCESSES, THREADS
from patterns.tour.embedded import EmbeddedStage
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

WIDTHS = {"miniredis": 80, "redis": 40}
"""How wide the terminal is; so each chapter is shown on a usual and on a narrow one."""


@dataclass
class Shown:
    """A chapter that was played."""

    stage: Stage
    figures: dict[str, float]
    text: str
    width: int

    def sent(self, *words: str) -> list[Any]:
        """The replies to the commands in which all of these words are, in their order."""
        lines = ((each, self.stage.wire.command(each)) for each in self.stage.wire.exchanges)
        return [each.reply for each, line in lines if all(word in line for word in words)]


@pytest.fixture(params=WIDTHS)
def play(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Shown]]:
    if request.param == "miniredis":
        stage: Stage = EmbeddedStage()
    else:
        server = request.getfixturevalue("redis_server")
        stage = Stage(f"redis://127.0.0.1:{server.port}/5")
        stage.client().flushdb()

    def play(name: str) -> Shown:
        out = io.StringIO()
        width = WIDTHS[request.param]
        tell = Narrator(Console(file=out, width=width, highlight=False, emoji=False, markup=False), stage)
        next(each for each in CHAPTERS if each.name == name).play(stage, tell)
        return Shown(stage, tell.figures, out.getvalue(), width)

    yield play
    if stage.moves_time:
        stage.close()
        return
    with redis.Redis.from_url(stage.url, decode_responses=True) as other:
        assert all(key.startswith(stage.prefix) for key in other.keys("*"))
        stage.close()
        assert not other.dbsize()


def structures(shown: Shown) -> None:
    figures = shown.figures
    assert figures["set says"] == 10_000
    assert abs(figures["HyperLogLog says"] / 10_000 - 1) < 0.03
    assert figures["memory, HyperLogLog"] < 15_000 < 300_000 < figures["memory, set"]


def cache_aside(shown: Shown) -> None:
    popular = random.Random(7).choices(range(USERS), [1 / (rank + 1) for rank in range(USERS)], k=REQUESTS)
    assert shown.figures["queries without"] == REQUESTS
    assert shown.figures["queries with"] == len(set(popular))
    assert shown.figures["hit rate without"] == 0
    assert shown.figures["hit rate with"] == pytest.approx(100 * (1 - len(set(popular)) / REQUESTS))


def read_through(shown: Shown) -> None:
    assert shown.figures["calls"] == 5
    assert shown.figures["loads"] == shown.sent("cache_fill.lua").count(1) == 2
    assert shown.figures["errors counted"] == 1


def write_through(shown: Shown) -> None:
    assert (shown.figures["stale, by hand"], shown.figures["stale, with versions"]) == (1, 0)


def write_behind(shown: Shown) -> None:
    accepted = [id for id in shown.sent("behind_put.lua") if not isinstance(id, redis.exceptions.NoScriptError)]
    assert shown.figures["accepted, not written yet"] == shown.figures["writes accepted"] == len(accepted)
    assert shown.figures["readers see apples"] == 90
    assert (shown.figures["rows in the database"], shown.figures["rows written"]) == (0, 2)
    assert shown.figures["left to be written"] == 0


def invalidation(shown: Shown) -> None:
    figures = shown.figures
    assert figures["expire together, one ttl"] > 300 > 60 > figures["expire together, jitter=0.5"]
    assert figures["looks without a round trip"] == 1
    assert figures["of 50 pages still valid"] == 0
    assert (figures["values gone"], figures["values left"]) == (2, 1)
    assert figures["loads that were fenced off"] == shown.sent("cache_fill.lua", "race:").count(0) == 1


def stampede(shown: Shown) -> None:
    figures = shown.figures
    assert figures["loads, with a lease"] == shown.sent("cache_fill.lua", "leased:").count(1) == 1
    assert figures["loads, naive"] == len(shown.sent("SET", "naive:page", "EX"))
    assert 1 < figures["loads, naive"] <= PROCESSES * THREADS
    assert figures["commands, naive"] == len(shown.sent("naive:page")) == PROCESSES * THREADS + figures["loads, naive"]
    assert figures["commands, with a lease"] == len(shown.sent("leased:"))
    assert figures["loaded early, no beta"] == 0
    if shown.stage.moves_time:  # a real server's clock goes on while a busy machine is late
        assert (figures["nothing there, no beta"], figures["nothing there, beta=1"]) == (4, 1)
        assert figures["loaded early, beta=1"] >= 2
    assert (figures["readers who waited"], figures["refreshes"]) == (0, 1)


def pipelining(shown: Shown) -> None:
    assert shown.figures["round trips, one by one"] == COMMANDS
    assert shown.figures["round trips, pipelined"] == 1
    assert len(shown.sent("SET", "many:")) == ROUNDS * 2 * COMMANDS
    assert shown.figures["time, pipelined"] < shown.figures["time, one by one"]


def transactions(shown: Shown) -> None:
    assert (shown.figures["lost, by hand"], shown.figures["lost, with WATCH"]) == (50, 0)
    assert shown.figures["attempts"] == len(shown.sent("WATCH")) == 2
    assert shown.sent("EXEC")[0] is None


def lua(shown: Shown) -> None:
    assert (shown.figures["sold by hand"], shown.figures["left by hand"]) == (BUYERS, STOCK - BUYERS)
    assert (shown.figures["sold by script"], shown.figures["left by script"]) == (STOCK, 0)
    assert isinstance(shown.sent("EVALSHA", "buy.lua")[0], redis.exceptions.NoScriptError)


def sessions(shown: Shown) -> None:
    assert shown.figures["has lived"] == 200
    assert (shown.figures["sessions ended"], shown.figures["sessions still valid"]) == (3, 0)
    assert "= 'gone'" in shown.text


def idempotency(shown: Shown) -> None:
    assert (shown.figures["requests for order-17"], shown.figures["charged for order-17"]) == (3, 1)
    assert "KeyReusedError: 'order-17'" in shown.text


def ratelimit(shown: Shown) -> None:
    for name in ("fixed window", "sliding window", "sliding log", "token bucket"):
        replies = shown.sent("EVAL", f"limit:{name.replace(' ', '-')}:{LIMIT}/", "{bob}")
        replies = [reply for reply in replies if isinstance(reply, list)]  # not NOSCRIPT, where another server knew it
        assert len(replies) == sum(TRAFFIC)
        assert shown.figures[f"admitted, {name}"] == sum(reply[0] for reply in replies)
    if shown.stage.moves_time:  # a real server's clock goes on while a busy machine is late
        assert shown.figures["most in a period, fixed window"] == 2 * LIMIT
        assert shown.figures["most in a period, sliding log"] == LIMIT
        assert shown.figures["most in a period, GCRA, burst=1"] <= LIMIT


def locks(shown: Shown) -> None:
    assert shown.figures["late writes refused"] == 1
    assert shown.figures["from release to taken"] > 0
    assert shown.sent("BLPOP")[-1] is not None  # it was woken


def semaphore(shown: Shown) -> None:
    assert (shown.figures["most at once"], shown.figures["exports done"]) == (PERMITS, WORKERS)


def leader(shown: Shown) -> None:
    assert shown.figures["elected, of two"] == 1
    assert "= ('bob', True)" in shown.text


def queue(shown: Shown) -> None:
    names = ("put", "done", "ready", "scheduled", "taken", "dead")
    assert [shown.figures[name] for name in names] == [6, 2, 1, 1, 1, 1]
    assert shown.sent("queue_put.lua").count(1) == 6


def leaderboard(shown: Shown) -> None:
    assert "= ['1. cat', '2. dan', '2. ann']" in shown.text


def feed(shown: Shown) -> None:
    assert shown.figures["posts shown twice"] == 0
    assert "= ['post 5', 'post 4']" in shown.text


def visitors(shown: Shown) -> None:
    assert (shown.figures["added up"], shown.figures["exact"]) == (8000, 7000)
    assert shown.figures["error of the estimate"] == pytest.approx(abs(shown.figures["estimated"] / 70 - 100))
    assert 0 < shown.figures["memory, hyperloglog"] < shown.figures["memory, set"]


def replication(shown: Shown) -> None:
    assert shown.figures["replicas that have it"] == shown.sent("WAIT 1")[0] == 0
    assert shown.sent("ROLE")[0][0] == "master"


def cluster(shown: Shown) -> None:
    assert (shown.figures["slots without a tag"], shown.figures["slots with a tag"]) == (3, 1)
    assert sum(shown.figures[f"{{id}}, node {node}"] for node in (1, 2, 3)) == 3000
    assert sorted(shown.figures[f"{{users}}, node {node}"] for node in (1, 2, 3)) == [0, 0, 3000]
    assert (shown.figures["keys of the script"], shown.figures["slots of the script"]) == (2, 1)


FIGURES: dict[str, Callable[[Shown], None]] = {
    check.__name__.replace("_", "-"): check
    for check in (
        structures,
        cache_aside,
        read_through,
        write_through,
        write_behind,
        invalidation,
        stampede,
        pipelining,
        transactions,
        lua,
        sessions,
        idempotency,
        ratelimit,
        locks,
        semaphore,
        leader,
        queue,
        leaderboard,
        feed,
        visitors,
        replication,
        cluster,
    )
}


def test_every_chapter_has_its_figures_checked() -> None:
    assert list(FIGURES) == [each.name for each in CHAPTERS]


@pytest.mark.parametrize("name", FIGURES)
def test_a_chapter_tells_the_truth(name: str, play: Callable[[str], Shown]) -> None:
    shown = play(name)
    FIGURES[name](shown)
    lines = shown.text.splitlines()
    assert max(map(len, lines)) <= shown.width, max(lines, key=len)
    assert not [line for line in lines if line != line.rstrip()]
