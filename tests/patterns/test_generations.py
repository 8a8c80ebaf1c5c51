"""Generations: an invalidation makes all values of a namespace invalid, whatever is being loaded meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import MISSING, Compressed, Generations, aio
from tests.patterns.conftest import Stage


def test_a_value_is_loaded_once_per_generation(stage: Stage) -> None:
    posts = Generations(stage.client, "posts", ttl=60)
    loads: list[int] = []

    def loader() -> int:
        loads.append(1)
        return len(loads)

    assert [posts.get_or_load("a", loader) for _ in range(3)] == [1, 1, 1]
    assert posts.get("a") == 1
    posts.invalidate()
    assert posts.get("a") is MISSING
    assert posts.get("a", "nothing") == "nothing"
    assert posts.get_or_load("a", loader) == 2


def test_the_first_invalidation_counts(stage: Stage) -> None:
    posts = Generations(stage.client, "posts")
    posts.get_or_load("a", lambda: "old")
    posts.invalidate()
    assert posts.get_or_load("a", lambda: "new") == "new"


def test_none_is_a_value(stage: Stage) -> None:
    posts = Generations(stage.client, "posts")
    assert posts.get_or_load("a", lambda: None) is None
    assert posts.get("a") is None


def test_a_value_that_cannot_be_read_is_loaded_anew(stage: Stage) -> None:
    Generations(stage.client, "posts", codec=Compressed()).get_or_load("a", lambda: "other")
    posts = Generations(stage.client, "posts")
    assert posts.get("a") is MISSING
    assert posts.get_or_load("a", lambda: "anew") == "anew"
    assert posts.get("a") == "anew"


def test_a_load_that_began_before_an_invalidation_never_lands(stage: Stage) -> None:
    posts = Generations(stage.client, "posts")

    def loader() -> str:
        posts.invalidate()
        return "old"

    assert posts.get_or_load("a", loader) == "old"
    assert posts.get("a") is MISSING


def test_a_hit_is_one_round_trip(stage: Stage) -> None:
    posts = Generations(stage.client, "posts")
    posts.get_or_load("a", lambda: 1)
    before = stage.commands()
    posts.get_or_load("a", lambda: 1)
    assert stage.commands() - before == 2  # MGET, and the INFO that asked


def test_no_key_lives_for_ever(stage: Stage) -> None:
    posts = Generations(stage.client, "posts", ttl=0.5)
    posts.get_or_load("a", lambda: 1)
    posts.invalidate()
    posts.get_or_load("b", lambda: 1)
    assert all(0 < stage.client.pttl(key) <= 1000 for key in stage.client.keys("*"))


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        posts = aio.Generations(client, "posts")

        async def loader() -> str:
            return "loaded"

        assert await posts.get_or_load("a", loader) == "loaded"
        assert await posts.get_or_load("a", lambda: "plain function") == "loaded"
        await posts.invalidate()
        assert await posts.get_or_load("a", lambda: "plain function") == "plain function"


def test_a_coroutine_function_needs_asyncio(stage: Stage) -> None:
    async def loader() -> int:
        return 1

    with pytest.raises(TypeError, match=r"patterns\.aio"):
        Generations(stage.client, "posts").get_or_load("a", loader)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("load"), st.sampled_from("ab")),
        st.tuples(st.just("invalidate"), st.just("")),
        st.tuples(st.just("lose"), st.just("")),
        st.tuples(st.just("write"), st.sampled_from("ab")),
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(actions=ACTIONS)
def test_no_read_after_an_invalidation_sees_what_was_true_before_it(stage: Stage, actions: list[Any]) -> None:
    stage.empty()
    posts = Generations(stage.client, "posts")
    source = {"a": 0, "b": 0}
    oldest_allowed = dict(source)
    seen_generations = set()
    for action, name in actions:
        if action == "load":
            value = posts.get_or_load(name, lambda name=name: source[name])
            assert oldest_allowed[name] <= value <= source[name]
        elif action == "write":
            source[name] += 1
        else:
            if action == "invalidate":
                posts.invalidate()
                generation = stage.client.get("generations:{posts}")
                assert generation not in seen_generations
                seen_generations.add(generation)
            else:
                stage.client.delete("generations:{posts}")
            oldest_allowed = dict(source)
