"""Unique visitors: nobody counts twice, and estimates are as near as they should be."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Uniques, aio
from tests.patterns.conftest import Stage

VISITS = st.lists(
    st.tuples(st.sampled_from(["mon", "tue", "wed"]), st.lists(st.text(max_size=3), max_size=5)), max_size=10
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits=VISITS)
def test_exact_counts_are_those_of_sets(stage: Stage, visits: list[tuple[str, list[str]]]) -> None:
    stage.empty()
    uniques = Uniques(stage.client, "home", exact=True)
    days: dict[str, set[str]] = {"mon": set(), "tue": set(), "wed": set()}
    for day, visitors in visits:
        assert uniques.add(day, *visitors) == len(set(visitors) - days[day])
        days[day] |= set(visitors)
    for day, visitors_of in days.items():
        assert uniques.count(day) == len(visitors_of)
    assert uniques.count("mon", "tue", "wed") == len(days["mon"] | days["tue"] | days["wed"])
    assert all(stage.client.pttl(each) > 0 for each in stage.client.scan_iter())


def test_estimates_are_near_and_the_same_for_who_comes_again(stage: Stage) -> None:
    uniques = Uniques(stage.client, "home")
    uniques.add("mon", *(f"visitor {number}" for number in range(20_000)))
    uniques.add("tue", *(f"visitor {number}" for number in range(10_000, 30_000)))
    # Four standard errors.
    assert uniques.count("mon") == pytest.approx(20_000, rel=0.0324)
    assert uniques.count("mon", "tue") == pytest.approx(30_000, rel=0.0324)
    before = uniques.count("mon")
    assert uniques.add("mon", *(f"visitor {number}" for number in range(5000))) == 0
    assert uniques.count("mon") == before


def test_a_period_ends_after_its_first_visitor(fake: Stage) -> None:
    for exact in (True, False):
        uniques = Uniques(fake.client, "home", exact=exact, ttl=3600)
        uniques.add("mon", "ada")
        fake.advance(3000)
        uniques.add("mon", "bob")
        assert uniques.count("mon") == 2
        fake.advance(601)
        assert uniques.count("mon") == 0
    Uniques(fake.client, "home", exact=True, ttl=None).add("mon", "ada")
    assert [fake.client.ttl(each) for each in fake.client.scan_iter()] == [-1]


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        uniques = aio.Uniques(client, "home", exact=True)
        assert await uniques.add("mon", "ada", "bob", "ada") == 2
        assert await uniques.count("mon", "tue") == 2


def test_no_period_is_one_of_another_name(stage: Stage) -> None:
    Uniques(stage.client, "a").add("b}:c", "ada")
    assert Uniques(stage.client, "a}:b").count("c") == 0


def test_nothing_is_said_of_no_period() -> None:
    with pytest.raises(ValueError, match="of no period"):
        Uniques(None, "home").count()
