"""Cache: what is loaded lands only if nothing made it invalid meanwhile; a hit is one round trip; keys have a TTL."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import MISSING, Cache, Circuit, CircuitOpenError, Loaded, aio
from patterns.cache_store import Store
from patterns.steps import Steps
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play, interleave
from tests.patterns.topologies import until

on_both = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)


def count(values: Iterator[Any] | None = None) -> Any:
    """A loader that counts its calls."""

    def loader() -> Any:
        loader.calls += 1  # type: ignore[attr-defined]
        return next(values) if values is not None else loader.calls  # type: ignore[attr-defined]

    loader.calls = 0  # type: ignore[attr-defined]
    return loader


def test_a_value_is_loaded_once(stage: Stage) -> None:
    cache, loader = Cache(stage.client), count()
    assert cache.get("k") is MISSING
    assert cache.get("k", "nothing") == "nothing"
    assert [cache.get_or_load("k", loader) for _ in range(3)] == [1, 1, 1]
    assert cache.get("k") == 1
    assert (cache.stats().misses, cache.stats().hits, cache.stats().loads) == (3, 3, 1)
    assert cache.stats().hit_rate == 0.5


def test_none_is_not_a_miss(stage: Stage) -> None:
    cache, loader = Cache(stage.client), count(iter([None]))
    assert [cache.get_or_load("k", loader) for _ in range(3)] == [None] * 3
    assert cache.get("k") is None


def test_none_has_a_time_to_live_of_its_own(stage: Stage) -> None:
    cache = Cache(stage.client, ttl=100, jitter=0, negative_ttl=5)
    with stage.expires_in("cache:{none}", 5000), stage.expires_in("cache:{some}", 100_000):
        cache.get_or_load("none", lambda: None)
        cache.get_or_load("some", lambda: 1)
    unkept = Cache(stage.client, prefix="other:", negative_ttl=0)
    unkept.get_or_load("none", lambda: None)
    assert unkept.get("none") is MISSING
    assert stage.client.keys("other:*") == []


def test_a_loader_chooses_the_time_to_live(stage: Stage) -> None:
    cache = Cache(stage.client, jitter=0)
    with stage.expires_in("cache:{k}", 7000):
        assert cache.get_or_load("k", lambda: Loaded("v", ttl=timedelta(seconds=7))) == "v"
    assert cache.get("k") == "v"
    assert cache.get_or_load("unkept", lambda: Loaded("v", ttl=0)) == "v"
    assert cache.get("unkept") is MISSING
    assert stage.client.keys("*unkept*") == []


@on_both
@given(
    ttl=st.floats(0.05, 10_000) | st.integers(1, 10_000).map(lambda ms: timedelta(milliseconds=ms + 50)),
    jitter=st.floats(0, 2),
    stale=st.floats(0, 100),
    by_set=st.booleans(),
)
def test_every_key_has_a_time_to_live_within_its_bounds(
    stage: Stage, ttl: Any, jitter: float, stale: float, by_set: bool
) -> None:
    stage.empty()
    if stage.real:  # where what was written has to be there still when it is looked at
        ttl = ttl + timedelta(seconds=20) if isinstance(ttl, timedelta) else ttl + 20
    cache = Cache(stage.client, ttl=ttl, jitter=jitter, stale=stale)
    low = (ttl.total_seconds() if isinstance(ttl, timedelta) else ttl) * 1000
    with stage.expires_in("cache:{k}", low + stale * 1000 - 2, low * (1 + jitter) + stale * 1000 + 2):
        if by_set:
            cache.set("k", 1)
        else:
            cache.get_or_load("k", lambda: 1)
    assert stage.client.dbsize() == 1


def test_a_key_lives_for_ever_only_if_asked(stage: Stage) -> None:
    cache = Cache(stage.client)
    cache.get_or_load("k", lambda: 1, ttl=math.inf)
    cache.set("l", 1, ttl=math.inf)
    assert stage.client.pttl("cache:{k}") == stage.client.pttl("cache:{l}") == -1
    assert cache.get("k") == 1


def test_a_hit_is_one_command_and_one_round_trip(stage: Stage) -> None:
    for cache, commands in ((Cache(stage.client), 1), (Cache(stage.client, beta=1, stale=1), 3)):
        cache.set("k", 1)
        cache.get("k")
        before = stage.commands()
        assert cache.get_or_load("k", lambda: 2) == 1
        # GET; or EVALSHA with GET and PTTL in it. And the INFO that asked.
        assert stage.commands() - before == commands + 1


def test_an_invalidation_beats_a_load_that_began_before_it(stage: Stage) -> None:
    cache, elsewhere = Cache(stage.client), Cache(stage.client)
    for invalidate in (
        lambda: elsewhere.invalidate("k"),
        lambda: elsewhere.clear(),
        lambda: elsewhere.invalidate_tags("t"),
    ):

        def loader(invalidate: Any = invalidate) -> str:
            invalidate()
            return "old"

        assert cache.get_or_load("k", loader, tags=["t"]) == "old"
        assert cache.get("k") is MISSING
    assert cache.stats().fenced == 3


def test_many_loads_that_began_before_an_invalidation_do_not_land(stage: Stage) -> None:
    cache, elsewhere = Cache(stage.client), Cache(stage.client)
    loaded = cache.get_or_load_many(
        ["a", "b"], lambda names: (elsewhere.invalidate("a") and {}) or dict.fromkeys(names, 1)
    )
    assert loaded == {"a": 1, "b": 1}
    assert (cache.get("a"), cache.get("b")) == (MISSING, 1)


def test_a_lease_whose_reply_was_lost_is_still_ours(stage: Stage) -> None:
    """redis-py asks again by itself when a connection breaks: the server has given the lease already."""

    class LosesReplies:
        def execute_command(self, *args: Any, **options: Any) -> Any:
            with contextlib.suppress(redis.RedisError):
                stage.client.execute_command(*args, **options)
            return stage.client.execute_command(*args, **options)

    cache = Cache(LosesReplies())
    assert cache.get_or_load("k", lambda: 1) == 1
    assert cache.get("k") == 1
    assert stage.client.keys("*") == [b"cache:{k}"]


def test_a_set_beats_a_load_that_began_before_it(stage: Stage) -> None:
    cache, elsewhere = Cache(stage.client), Cache(stage.client)
    cache.get_or_load("k", lambda: elsewhere.set("k", "new") and "old")
    assert cache.get("k") == "new"


class Source:
    """What is cached: a number that grows."""

    def __init__(self) -> None:
        self.value = 0
        self.floor = 0
        self.invalidations = 0
        self.loads = 0

    def load(self) -> int:
        self.loads += 1
        return self.value

    def write(self, cache: Cache) -> Steps[int]:
        self.value += 1
        written = self.value
        yield from cache.invalidate_steps(["k"])
        self.floor = max(self.floor, written)
        self.invalidations += 1
        return written

    def read(self, cache: Cache) -> Steps[int]:
        floor = self.floor
        value: int = yield from cache.load_steps("k", self.load)
        assert floor <= value
        return value


@on_both
@given(
    kinds=st.lists(st.sampled_from(["read", "write"]), min_size=2, max_size=6),
    order=st.lists(st.integers(0, 5), max_size=60),
)
def test_in_no_order_of_commands_does_an_old_value_land(stage: Stage, kinds: list[str], order: list[int]) -> None:
    stage.empty()
    source = Source()
    plays = [Play(stage.client, getattr(source, kind)(Cache(stage.client, lease=1000))) for kind in kinds]

    def check() -> None:
        cached = stage.client.get("cache:{k}")
        assert cached is None or int(cached[5:]) >= source.floor

    interleave(plays, order, check)
    assert all(stage.client.pttl(key) > 0 for key in stage.client.keys("*"))
    assert [play.error for play in plays] == [None] * len(plays)
    # One load per lease: an invalidation ends one.
    assert source.loads <= 1 + source.invalidations


def test_an_error_of_the_loader_reaches_the_caller_and_ends_the_lease(stage: Stage) -> None:
    cache = Cache(stage.client)
    with pytest.raises(ZeroDivisionError):
        cache.get_or_load("k", lambda: 1 / 0)
    assert stage.client.keys("*") == []
    assert cache.get_or_load("k", lambda: 2) == 2
    assert cache.stats().load_errors == 1


def test_a_value_that_cannot_be_encoded_ends_the_lease_too(stage: Stage) -> None:
    with pytest.raises(TypeError):
        Cache(stage.client).get_or_load("k", lambda: object())
    assert stage.client.keys("*") == []


def test_a_stored_value_that_cannot_be_read_is_loaded_anew(stage: Stage) -> None:
    cache = Cache(stage.client)
    stage.client.set("cache:{k}", b"\x01\0\0\0\0{")
    assert cache.get("k") is MISSING
    assert cache.stats().corrupt == 1
    assert cache.get_or_load("k", lambda: "anew") == "anew"
    assert cache.get("k") == "anew"
    assert cache.stats().corrupt == 2


@pytest.mark.parametrize("stale", [0, 60])
def test_a_value_that_nobody_can_read_is_loaded_once_for_all_processes(stage: Stage, stale: float) -> None:
    caches = [Cache(stage.client, stale=stale) for _ in range(4)]
    stage.client.set("cache:{k}", b"\x02of another format")
    loads: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def loader() -> str:
        loads.append(1)
        begun.set()
        assert go_on.wait(10)
        return "anew"

    with ThreadPoolExecutor() as pool:
        got = [pool.submit(cache.get_or_load, "k", loader) for cache in caches]
        assert begun.wait(10)
        until(lambda: stage.client.info("clients")["blocked_clients"] == 3)
        go_on.set()
        assert [each.result() for each in got] == ["anew"] * 4
    assert len(loads) == 1
    assert [cache.stats().corrupt for cache in caches] == [1] * 4
    assert stage.client.ttl("cache:{k}") > 0


def test_a_value_that_cannot_be_read_does_not_hide_one_that_came_since(stage: Stage) -> None:
    """Another process stores a value between the look that met nonsense and the second try for the lease."""
    cache, elsewhere = Cache(stage.client), Cache(stage.client)
    stage.client.set("cache:{k}", b"nonsense")
    looks = []
    take_all = Store._take_all

    def spy(store: Store, asked: Any) -> Any:
        looks.append(len(asked[0][1]))
        if len(looks) == 2:
            elsewhere.set("k", "theirs")
        return (yield from take_all(store, asked))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "_take_all", spy)
        assert cache.get_or_load("k", lambda: "ours") == "theirs"
    assert looks == [4, 5]


def test_a_slow_loader_outlives_its_lock_and_still_lands_unless_another_took_the_lease(fake: Stage) -> None:
    cache, elsewhere = Cache(fake.client, lease=10), Cache(fake.client, lease=10)
    cache.get_or_load("slow", lambda: fake.advance(60) or "value")
    assert cache.get("slow") == "value"

    def overtaken() -> str:
        fake.advance(11)
        assert elsewhere.get_or_load("k", lambda: "theirs") == "theirs"
        return "ours"

    assert cache.get_or_load("k", overtaken) == "ours"
    assert cache.get("k") == "theirs"


def test_a_crashed_loader_is_waited_for_no_longer_than_its_lease(stage: Stage) -> None:
    stage.client.set("cache:{k}:lease", b"0123456789abcdef", px=10 * 300)
    cache = Cache(stage.client, lease=0.3)
    if not stage.real:
        stage.mini.clock.resume()  # type: ignore[union-attr]
    assert cache.get_or_load("k", lambda: "loaded") == "loaded"
    assert cache.get("k") == "loaded"


@pytest.fixture
def dead() -> Iterator[redis.Redis]:
    """A client of a server that is not there."""
    with redis.Redis(port=1, retry=None, socket_connect_timeout=0.5) as client:
        yield client


def test_without_redis_the_loader_still_runs(dead: redis.Redis) -> None:
    cache, loader = Cache(dead), count()
    assert [cache.get_or_load("k", loader) for _ in range(3)] == [1, 2, 3]
    assert cache.get("k") is MISSING
    assert cache.set("k", 1) is False
    assert cache.get_or_load_many(["a", "b"], lambda names: dict.fromkeys(names, 1)) == {"a": 1, "b": 1}
    assert cache.stats().errors == 6
    with pytest.raises(redis.ConnectionError):
        cache.invalidate("k")


def test_without_redis_the_error_is_raised_where_that_is_the_policy(dead: redis.Redis) -> None:
    cache, loader = Cache(dead, on_error="raise"), count()
    with pytest.raises(redis.ConnectionError):
        cache.get_or_load("k", loader)
    with pytest.raises(redis.ConnectionError):
        cache.get("k")
    with pytest.raises(redis.ConnectionError):
        cache.set("k", 1)
    assert loader.calls == 0


def test_the_circuit_opens_and_closes_again(stage: Stage, dead: redis.Redis) -> None:
    now = [0.0]
    circuit = Circuit(failures=2, cooldown=5, timer=lambda: now[0])
    broken = Cache(dead, circuit=circuit, on_error="raise")
    for _ in range(2):
        with pytest.raises(redis.ConnectionError, match="refused"):
            broken.get("k")
    assert circuit.open
    with pytest.raises(CircuitOpenError):
        broken.get("k")
    mended = Cache(stage.client, circuit=circuit, on_error="raise")
    with pytest.raises(CircuitOpenError):
        mended.get("k")
    now[0] = 5.0
    assert mended.get("k") is MISSING
    assert not circuit.open


def test_when_half_open_one_caller_tries(dead: redis.Redis) -> None:
    now = [0.0]
    circuit = Circuit(failures=1, cooldown=5, timer=lambda: now[0])
    circuit.failed()
    now[0] = 6.0
    circuit.enter()
    with pytest.raises(CircuitOpenError):
        circuit.enter()


def test_an_error_of_a_loader_that_uses_redis_is_the_loaders(stage: Stage, dead: redis.Redis) -> None:
    cache = Cache(stage.client)
    with pytest.raises(redis.ConnectionError):
        cache.get_or_load("k", lambda: dead.get("x"))
    assert (cache.stats().load_errors, cache.stats().errors, cache.stats().loads) == (1, 0, 0)


def test_a_hook_hears_of_everything_and_its_errors_harm_nobody(stage: Stage) -> None:
    heard: list[tuple[str, str]] = []

    def fails(event: Any) -> None:
        raise RuntimeError

    cache = Cache(stage.client, hooks=[lambda event: heard.append((event.kind, event.key)), fails])
    cache.get_or_load("k", lambda: 1)
    cache.get_or_load("k", lambda: 1)
    cache.invalidate("k")
    assert heard == [("load", "k"), ("miss", "k"), ("hit", "k"), ("invalidation", "k")]


def test_what_the_server_throws_out_is_counted(stage: Stage) -> None:
    cache = Cache(stage.client, ttl=1000)
    before = cache.evictions()
    used = int(stage.client.info("memory")["used_memory"])
    stage.client.config_set("maxmemory-policy", "volatile-ttl")
    stage.client.config_set("maxmemory", used + 400_000)
    try:
        for number in range(60):
            cache.set(str(number), "x" * 20_000)
        assert cache.evictions() - before == 60 - len(stage.client.keys("cache:*"))
        assert cache.evictions() > before
    finally:
        stage.client.config_set("maxmemory", 0)
        stage.client.config_set("maxmemory-policy", "noeviction")


def test_clear_removes_what_is_of_this_prefix_alone(stage: Stage) -> None:
    cache, other = Cache(stage.client, prefix="a*:"), Cache(stage.client, prefix="ab:")
    for number in range(30):
        cache.set(str(number), number)
    other.set("k", 1)
    cache.clear()
    assert stage.client.keys("*") == [b"ab:{k}"]


KEYS = st.sampled_from(["a", "b", "c"])
TAGS = st.sets(st.sampled_from(["x", "y"]))


@on_both
@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("load"), KEYS, TAGS),
            st.tuples(st.just("set"), KEYS, TAGS),
            st.tuples(st.just("invalidate"), st.sets(KEYS)),
            st.tuples(st.just("tags"), TAGS),
            st.tuples(st.just("many"), st.lists(KEYS)),
            st.tuples(st.just("clear")),
        ),
        max_size=25,
    )
)
def test_a_cache_is_a_dict_that_forgets_what_it_is_told_to(stage: Stage, actions: list[Any]) -> None:
    stage.empty()
    cache = Cache(stage.client)
    model: dict[str, int] = {}
    tagged: dict[str, set[str]] = {"x": set(), "y": set()}
    for number, (action, *arguments) in enumerate(actions):
        if action in ("load", "set"):
            key, tags = arguments
            if action == "set" or key not in model:
                for tag in tags:
                    tagged[tag].add(key)
            if action == "load":
                model.setdefault(key, number)
                assert cache.get_or_load(key, lambda number=number: number, tags=tags) == model[key]
            else:
                model[key] = number
                assert cache.set(key, number, tags=tags)
        elif action == "many":
            expected = {key: model.setdefault(key, number) for key in arguments[0]}
            loaded = cache.get_or_load_many(arguments[0], lambda names, number=number: dict.fromkeys(names, number))
            assert loaded == expected
            assert list(loaded) == list(dict.fromkeys(arguments[0]))
        elif action == "clear":
            cache.clear()
            model.clear()
        else:
            gone = arguments[0] if action == "invalidate" else set().union(*(tagged[tag] for tag in arguments[0]))
            had = cache.invalidate(*gone) if action == "invalidate" else cache.invalidate_tags(*arguments[0])
            assert had == len(gone & model.keys())
            for key in gone:
                model.pop(key, None)
        assert {key: cache.get(key) for key in "abc"} == {key: model.get(key, MISSING) for key in "abc"}


def test_a_short_lived_key_does_not_shorten_the_life_of_its_tag(fake: Stage) -> None:
    cache = Cache(fake.client, jitter=0)
    cache.set("long", 1, ttl=1000, tags=["t"])
    cache.set("short", 1, ttl=1, tags=["t"])
    fake.advance(900)
    assert cache.invalidate_tags("t") == 1
    assert cache.get("long") is MISSING
    fake.advance(1000)
    assert fake.client.keys("*") == []


@pytest.mark.parametrize("chosen", [86_400, math.inf])
def test_a_tag_outlives_a_value_whose_loader_chose_a_longer_time(fake: Stage, chosen: float) -> None:
    cache = Cache(fake.client, ttl=300, jitter=0)
    cache.get_or_load("one", lambda: Loaded("old", chosen), tags=["t"])
    times = {"many": chosen, "more": chosen, "short": 10}
    cache.get_or_load_many(times, lambda names: {name: Loaded("old", times[name]) for name in names}, tags=["t"])
    fake.advance(86_000)
    assert cache.invalidate_tags("t") == 3
    assert [cache.get(name) for name in ("one", "many", "more")] == [MISSING] * 3


def test_a_tag_made_invalid_during_a_load_fences_it_whatever_time_the_loader_chooses(stage: Stage) -> None:
    cache, elsewhere = Cache(stage.client), Cache(stage.client)

    def loader() -> Loaded:
        elsewhere.invalidate_tags("t")
        return Loaded("old", 86_400)

    assert cache.get_or_load("k", loader, tags=["t"]) == "old"
    assert cache.get_or_load_many(["l"], lambda names: {"l": loader()}, tags=["t"]) == {"l": "old"}
    assert (cache.get("k"), cache.get("l")) == (MISSING, MISSING)


def test_a_refresh_that_fails_does_not_shorten_the_note_of_the_value_that_stays(fake: Stage) -> None:
    cache = Cache(
        fake.client, jitter=0, lease=1, beta=1, random=lambda: 0.999999, timer=iter(range(0, 10_000, 100)).__next__
    )
    cache.get_or_load("k", lambda: "value", ttl=1000, tags=["t"])
    # It took 100 seconds, as the cache measures it: so each reader refreshes.
    assert cache.get_or_load("k", lambda: 1 / 0, ttl=1, tags=["t"]) == "value"
    assert cache.stats().load_errors == 1
    fake.advance(500)
    assert cache.invalidate_tags("t") == 1
    assert cache.get("k") is MISSING


def test_what_a_tag_notes_of_keys_that_are_gone_is_removed(fake: Stage) -> None:
    cache = Cache(fake.client, jitter=0, lease=1)
    for number in range(20):
        cache.set(str(number), 1, ttl=1, tags=["t"])
        fake.advance(20)
    assert fake.client.zcard("cache:{t}:tag") <= 2


def test_a_key_that_lives_for_ever_keeps_its_tag(stage: Stage) -> None:
    cache = Cache(stage.client)
    cache.set("k", 1, ttl=math.inf, tags=["t"])
    cache.set("l", 1, ttl=1, tags=["t"])
    assert stage.client.ttl("cache:{t}:tag") == -1
    assert cache.invalidate_tags("t") == 2


def test_cached_asks_the_cache_first(stage: Stage) -> None:
    cache = Cache(stage.client)
    calls = []

    @cache.cached("user:{id}:{lang}")
    def user(id: int, lang: str = "en") -> str:
        """A user."""
        calls.append(id)
        return f"{id} {lang}"

    assert [user(1), user(1), user(id=1, lang="de"), user(1, "en")] == ["1 en", "1 en", "1 de", "1 en"]
    assert len(calls) == 2
    assert user.key(1) == "user:1:en"
    assert user.__doc__ == "A user."
    user.invalidate(1)
    assert user(1) == "1 en"
    assert len(calls) == 3
    with pytest.raises(ValueError, match="nobody"):
        cache.cached("user:{nobody}")(lambda id: id)


@given(
    one=st.tuples(st.text(max_size=4), st.text(max_size=4)), other=st.tuples(st.text(max_size=4), st.text(max_size=4))
)
def test_different_arguments_are_different_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    def function(a: str, b: str) -> None: ...

    cached = Cache(None).cached("f:{a}:{b}")(function)
    assert (cached.key(*one) == cached.key(*other)) == (one == other)


def test_what_has_the_same_text_can_be_told_apart() -> None:
    def function(a: Any) -> None: ...

    cached = Cache(None).cached("f:{a!r}")(function)
    assert [cached.key(each) for each in (1, "1", None, "None")] == ["f:1", "f:'1'", "f:None", "f:'None'"]


def test_cached_methods(stage: Stage) -> None:
    cache = Cache(stage.client)

    class Shop:
        id = 7

        @cache.cached("shop:{self.id}:{item}")
        def price(self, item: str) -> int:
            return len(item)

    assert Shop().price("pear") == 4
    assert cache.get("shop:7:pear") == 4


async def test_asyncio_has_all_of_it(stage: Stage) -> None:
    async with stage.new_async_client(decode_responses=True) as client:
        cache = aio.Cache(client)

        @cache.cached("user:{id}", tags=["users"])
        async def user(id: int) -> str:
            return f"user {id}"

        async def load(names: Any) -> dict[str, str]:
            return {name: name.upper() for name in names if name != "none"}

        assert await user(1) == "user 1"
        assert await cache.get("user:1") == "user 1"
        assert await cache.get_or_load_many(["a", "none", "user:1"], load) == {
            "a": "A",
            "none": None,
            "user:1": "user 1",
        }
        assert await cache.set("k", "ü")
        assert await cache.get("k") == "ü"
        assert await cache.invalidate("a", "k") == 2
        assert await cache.invalidate_tags("users") == 1
        await cache.clear()
        assert stage.client.keys("*") == [b"cache:{users}:tag"]
