"""Rate limiters: they admit exactly what their strategy admits, whoever asks, and are honest about coming again."""

from __future__ import annotations

import asyncio
import math
from typing import Any, NamedTuple

import pytest
import redis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import patterns
from patterns import Decision, aio
from patterns.bench.proofs.limit_models import MODELS, Model
from patterns.limiter import Rate
from tests.patterns.conftest import PATIENT, Stage
from tests.patterns.given_time import GivenTime

NAMES = list(MODELS)
BURSTS = ["TokenBucket", "GCRA"]
NOON = 1_800_014_400_000_000
"""A moment to begin with, in microseconds since the epoch."""

strategies = pytest.mark.parametrize("name", NAMES)


class Timed:
    """A server whose scripts see a time that a test moves: miniredis' own clock, or one that real servers are given."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.client: Any = stage.client
        self._now = NOON
        self.start()

    def start(self) -> None:
        self.stage.empty()
        self._now = NOON
        if self.stage.mini is not None:
            self.stage.mini.clock.set(NOON / 1_000_000)
        else:
            self.client = GivenTime(self.stage.client, NOON)

    @property
    def now(self) -> int:
        return self._now

    def advance(self, microseconds: int) -> None:
        self._now += microseconds
        if self.stage.mini is not None:
            self.stage.mini.clock.set(self._now // 1_000_000 + self._now % 1_000_000 / 1_000_000)
        else:
            self.client.now = self._now


@pytest.fixture
def timed(stage: Stage) -> Timed:
    return Timed(stage)


class Limit(NamedTuple):
    number: int
    seconds: int
    burst: int | None


def make(name: str, client: Any, limit: Limit, module: Any = patterns) -> Any:
    options = {"burst": limit.burst} if name in BURSTS else {}
    return getattr(module, name)(client, f"{limit.number}/{limit.seconds} seconds", **options)


def most(name: str, limit: Limit) -> int:
    return limit.burst if limit.burst is not None and name in BURSTS else limit.number


def model_of(name: str, limit: Limit) -> Any:
    return MODELS[name](limit.number, limit.seconds * 1_000_000, most(name, limit))


def expected(model: Model, now: int, cost: int, limit: int) -> Decision:
    """What the model says of a hit, and then does."""
    allowed = model.admits(now, cost)
    retry = 0.0 if allowed else model.retry_after(now, cost) / 1_000_000
    if allowed:
        model.hit(now, cost)
    return Decision(allowed, limit, model.remaining(now), retry, model.reset_after(now) / 1_000_000)


LIMITS = st.builds(Limit, st.integers(1, 12), st.sampled_from([1, 7, 60, 3600, 86400]), st.none() | st.integers(1, 12))
# Shares of a period in millionths, so that a schedule stays near the limit whatever it is.
SCHEDULES = st.lists(st.tuples(st.integers(0, 400_000) | st.just(0), st.integers(1, 4)), min_size=12, max_size=40)
PROPERTY = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@strategies
@PROPERTY
@given(limit=LIMITS, schedule=SCHEDULES)
def test_decisions_equal_the_exact_model(timed: Timed, name: str, limit: Limit, schedule: list[Any]) -> None:
    timed.start()
    limiter, model = make(name, timed.client, limit), model_of(name, limit)
    for share, cost in schedule:
        timed.advance(share * limit.seconds)
        decision = limiter.hit("user", cost)
        assert decision == expected(model, timed.now, cost, most(name, limit))
        ttl = timed.stage.client.pttl(limiter.key("user"))
        assert ttl > 0 if decision.allowed else ttl != -1


@strategies
@PROPERTY
@given(limit=LIMITS, schedule=SCHEDULES)
def test_a_look_says_what_a_hit_would_and_changes_nothing(
    timed: Timed, name: str, limit: Limit, schedule: list[Any]
) -> None:
    timed.start()
    limiter = make(name, timed.client, limit)
    for share, cost in schedule:
        timed.advance(share * limit.seconds)
        before = timed.stage.client.dump(limiter.key("user"))
        look = limiter.peek("user", cost)
        assert timed.stage.client.dump(limiter.key("user")) == before
        hit = limiter.hit("user", cost)
        assert (look.allowed, look.retry_after) == (hit.allowed, hit.retry_after)
        assert look.remaining == hit.remaining + cost * hit.allowed


@strategies
@PROPERTY
@given(limit=LIMITS, schedule=SCHEDULES, cost=st.integers(1, 4))
def test_a_refused_hit_is_admitted_after_the_time_it_was_told_and_not_before(
    timed: Timed, name: str, limit: Limit, schedule: list[Any], cost: int
) -> None:
    timed.start()
    assume(cost <= most(name, limit))
    limiter = make(name, timed.client, limit)
    for share, each in schedule:
        timed.advance(share * limit.seconds)
        limiter.hit("user", each)
    refused = limiter.hit("user", cost)
    assume(not refused)
    wait = round(refused.retry_after * 1_000_000)
    timed.advance(wait - 1)
    assert not limiter.hit("user", cost)
    timed.advance(1)
    assert limiter.hit("user", cost)


@pytest.mark.parametrize("name", BURSTS)
@PROPERTY
@given(limit=LIMITS, schedule=SCHEDULES)
def test_in_any_time_no_more_is_admitted_than_burst_and_rate(
    timed: Timed, name: str, limit: Limit, schedule: list[Any]
) -> None:
    timed.start()
    limiter = make(name, timed.client, limit)
    admitted: list[tuple[int, int]] = []
    for share, cost in schedule:
        timed.advance(share * limit.seconds)
        if limiter.hit("user", cost):
            admitted.append((timed.now, cost))
    for at, _ in admitted:
        for until, _ in admitted:
            total = sum(cost for when, cost in admitted if at <= when <= until)
            assert (total - most(name, limit)) * limit.seconds * 1_000_000 <= limit.number * max(
                0, until - at
            ) or not total


@PROPERTY
@given(limit=LIMITS, schedule=SCHEDULES)
def test_no_window_has_more_than_a_logs_limit(timed: Timed, limit: Limit, schedule: list[Any]) -> None:
    timed.start()
    log = make("SlidingLog", timed.client, limit)
    admitted: list[tuple[int, int]] = []
    for share, cost in schedule:
        timed.advance(share * limit.seconds)
        if log.hit("user", cost):
            admitted.append((timed.now, cost))
    for end, _ in admitted:
        assert sum(cost for at, cost in admitted if end - limit.seconds * 1_000_000 < at <= end) <= limit.number


@PROPERTY
@given(limit=LIMITS, schedule=SCHEDULES)
def test_a_bucket_and_gcra_admit_the_same(timed: Timed, limit: Limit, schedule: list[Any]) -> None:
    timed.start()
    bucket, gcra = make("TokenBucket", timed.client, limit), make("GCRA", timed.client, limit)
    for share, cost in schedule:
        timed.advance(share * limit.seconds)
        assert bucket.hit("user", cost) == gcra.hit("user", cost)


@strategies
def test_a_refused_hit_costs_nothing(stage: Stage, name: str) -> None:
    limiter = make(name, stage.client, Limit(10, 86400, None))
    for _ in range(5):
        refused = limiter.hit("user", 100)
        assert not refused
        assert refused.retry_after == math.inf
        assert refused.remaining == 10
    assert stage.client.keys() == []
    assert limiter.hit("user", 1)


@strategies
async def test_a_hundred_clients_together_admit_the_limit(stage: Stage, name: str) -> None:
    limit = Limit(60, 86400, None)
    pool = redis.asyncio.BlockingConnectionPool.from_url(stage.url, max_connections=100, timeout=60, **PATIENT)
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        # Real servers are given the time: a token of the day must not come back while they answer.
        on = client if stage.mini is not None else GivenTime(client, NOON)
        limiters = [make(name, on, limit, aio) for _ in range(100)]
        decisions = await asyncio.gather(*(limiter.hit("user") for limiter in limiters for _ in range(3)))
    await pool.aclose()
    assert sum(decision.allowed for decision in decisions) == 60
    assert sorted(decision.remaining for decision in decisions if decision.allowed) == list(range(60))


@strategies
def test_a_decision_is_one_round_trip(stage: Stage, name: str) -> None:
    limiter = make(name, stage.client, Limit(1, 86400, None))
    limiter.hit("user")
    calls: list[str] = []

    class Counting(redis.Redis):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            calls.append(args[0])
            return super().execute_command(*args, **options)

    with Counting.from_url(stage.url) as client:
        limiter = make(name, client, Limit(1, 86400, None))
        limiter.hit("user")
        limiter.peek("user")
        limiter.hit("other")
    assert calls == ["EVALSHA"] * 3


@strategies
def test_scripts_survive_being_flushed(stage: Stage, name: str) -> None:
    limiter = make(name, stage.client, Limit(2, 86400, None))
    assert limiter.hit("user")
    stage.client.script_flush()
    assert limiter.hit("user")
    assert not limiter.hit("user")


def test_strategies_and_rates_do_not_meet_in_a_key(stage: Stage) -> None:
    limiters = [
        make(name, stage.client, limit) for name in NAMES for limit in (Limit(1, 3600, None), Limit(1, 86400, None))
    ]
    assert all(limiter.hit("user") for limiter in limiters)
    assert len(stage.client.keys()) == len(limiters)
    assert all(stage.client.pttl(key) > 0 for key in stage.client.scan_iter())


@strategies
def test_keys_are_gone_when_nothing_is_left_to_remember(fake: Stage, name: str) -> None:
    assert fake.mini is not None
    fake.mini.clock.set(NOON / 1_000_000)
    limiter = make(name, fake.client, Limit(3, 60, None))
    limiter.hit("user", 2)
    fake.advance(limiter.peek("user").reset_after + 0.001)
    assert fake.client.keys() == []


@strategies
def test_a_clock_set_back_admits_no_more(fake: Stage, name: str) -> None:
    assert fake.mini is not None
    fake.mini.clock.set(NOON / 1_000_000 + 30)
    limiter = make(name, fake.client, Limit(3, 60, None))
    assert limiter.hit("user", 3)
    for seconds in (10, 3600):
        fake.mini.clock.set(NOON / 1_000_000 + 30 - seconds)
        assert not limiter.hit("user")
        assert fake.client.pttl(limiter.key("user")) > 0


@pytest.mark.parametrize(
    ("text", "limit", "period"),
    [
        ("100/minute", 100, 60_000_000),
        ("5/s", 5, 1_000_000),
        ("10/30 seconds", 10, 30_000_000),
        ("10/30s", 10, 30_000_000),
        ("1000 per day", 1000, 86_400_000_000),
        (" 7 / 2 hours ", 7, 7_200_000_000),
        ("3/m", 3, 60_000_000),
    ],
)
def test_rates(text: str, limit: int, period: int) -> None:
    assert Rate.parse(text) == Rate(limit, period)


@pytest.mark.parametrize("text", ["", "100", "0/s", "5/0s", "-1/s", "1.5/s", "5/fortnight", "5/s/s", "x5/s", "5/00s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a rate"):
        Rate.parse(text)


@strategies
def test_what_cannot_be_asked_for_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a cost is 1 or more"):
        make(name, None, Limit(1, 1, None)).hit("user", 0)
    for cost in (1.4, math.nan, 1.0):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            make(name, None, Limit(10, 1, None)).hit("user", cost)
    with pytest.raises(ValueError, match="cannot be counted exactly"):
        getattr(patterns, name)(None, "100000000000000/day")
    if name in BURSTS:
        with pytest.raises(ValueError, match="a burst is 1 or more"):
            getattr(patterns, name)(None, "1/s", burst=0)


@strategies
def test_large_rates_are_exact_to_a_longer_tick(stage: Stage, name: str) -> None:
    limiter = make(name, stage.client, Limit(1_000_000, 86400, None))
    assert limiter.hit("user", 999_999).remaining == 1
    assert limiter.hit("user", 1)
    assert not limiter.hit("user", 90_000)


def test_a_script_that_was_held_up_forgets_nothing_too_early(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A duration counts from the script's beginning, its TIME may be later: so a window's end is given as a moment."""
    if stage.mini is not None:
        stage.mini.clock.resume()
    script = patterns.FixedWindow.script
    monkeypatch.setattr(script, "text", f"for _ = 1, 300000 do end\n{script.text}")
    monkeypatch.setattr(script, "sent", False)
    limiter = patterns.FixedWindow(stage.client, "5/day")
    assert limiter.hit("user")
    assert int(stage.client.execute_command("PEXPIRETIME", limiter.key("user"))) % 86_400_000 == 0
