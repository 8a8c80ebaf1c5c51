"""Proofs see a promise kept, and see it broken where a script is made wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.servers import Server
from miniredis import MiniRedis
from patterns import lock
from patterns.bench.proofs import limiters, locks
from patterns.bench.proofs.limit_models import MODELS
from patterns.bench.proofs.locks import BrokenPromise, Rivals
from patterns.scripts import Script

SHORT = 60


@pytest.fixture(params=["miniredis", "redis", "valkey"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "miniredis":
        with MiniRedis() as server:
            yield server.url
        return
    server: Server = request.getfixturevalue(f"{request.param}_server")
    yield f"redis://127.0.0.1:{server.port}/0"


@pytest.mark.parametrize("strategy", MODELS)
def test_a_hundred_clients_at_once_are_admitted_as_the_model_admits(url: str, strategy: str) -> None:
    seen = limiters.run(url, strategy, hits=3, limit=150)
    assert (seen.decisions, seen.round_trips) == (300, 300)
    assert (seen.differing, seen.immortal) == (0, 0)
    assert seen.admitted >= 150


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("> most then", "> most + period then", "differing"),
        ("value, 'PXAT', math", "value) local _ = (math", "immortal"),
    ],
)
def test_a_limiter_that_is_wrong_is_noticed(
    url: str, monkeypatch: pytest.MonkeyPatch, old: str, new: str, field: str
) -> None:
    script: Any = limiters.aio.GCRA.script
    text = script.text.replace(old, new)
    assert text != script.text
    monkeypatch.setitem(limiters.TEXTS, script.digest, text)
    monkeypatch.setattr(script, "sent", True)
    assert getattr(limiters.run(url, "GCRA", hits=3, limit=20), field) > 0


def test_schedules_keep_a_locks_promises() -> None:
    seen = locks.run(SHORT)
    assert seen.broken == ()
    assert seen.schedules == SHORT
    assert seen.taken > SHORT


@pytest.mark.parametrize(
    ("script", "old", "new"),
    [
        (lock.ACQUIRE, "if token ~= ARGV[1] then return", "if false then return"),
        (lock.ACQUIRE, "math.max(tonumber(last) + 1, time[1] * 1000000 + time[2])", "1"),
        (lock.EXTEND, "~= ARGV[1] then return 0", "== '' then return 0"),
        (lock.RELEASE, "if token ~= ARGV[1] then", "if not token then"),
        (lock.RELEASE, ", 'PX', ARGV[2])", ")"),
    ],
)
def test_a_lock_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch, script: Script, old: str, new: str) -> None:
    assert old in script.text
    wrong = script.text.replace(old, new)
    monkeypatch.setattr(script, "text", wrong)
    monkeypatch.setattr(script, "sent", False)
    monkeypatch.setattr(script, "digest", "0" * 40)  # known nowhere: so the text is sent
    assert locks.run(SHORT).broken


def test_a_schedule_can_be_played_again() -> None:
    assert locks.schedule(7) == locks.schedule(7) != locks.schedule(8)
    mini = MiniRedis()
    rivals = Rivals(mini, mini.client())
    rivals.do("acquire", 0, False)
    rivals.holder = None  # as if it were free
    with pytest.raises(BrokenPromise, match="refused though free"):
        rivals.do("acquire", 1, False)
