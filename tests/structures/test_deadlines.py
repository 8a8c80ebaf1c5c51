"""Names and their ends: the earliest is always at hand, whatever changed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from miniredis.structures.deadlines import SPARE_ENTRIES, Deadlines

NAMES = st.sampled_from([b"a", b"b", b"c", b"d"])


def earliest(model: dict[bytes, int]) -> tuple[int, bytes] | None:
    return min(((when, name) for name, when in model.items()), default=None)


@settings(derandomize=True)
@given(st.lists(st.tuples(NAMES, st.none() | st.integers(0, 9))))
def test_the_first_is_the_earliest_of_what_was_said_last(changes: list[tuple[bytes, int | None]]) -> None:
    deadlines, model = Deadlines(), dict[bytes, int]()
    for name, when in changes:
        if when is None:
            assert deadlines.discard(name) == (model.pop(name, None) is not None)
        else:
            deadlines.set(name, when)
            model[name] = when
        assert deadlines.first() == earliest(model)
        assert deadlines.times == model


@settings(derandomize=True)
@given(st.dictionaries(NAMES, st.integers(0, 9)), st.integers(0, 10))
def test_what_ends_before_a_moment_is_popped_in_order(model: dict[bytes, int], moment: int) -> None:
    deadlines = Deadlines()
    for name, when in model.items():
        deadlines.set(name, when)
    popped = list(iter(lambda: deadlines.pop_before(moment), None))
    assert popped == [name for when, name in sorted((when, name) for name, when in model.items()) if when < moment]
    assert deadlines.times == {name: when for name, when in model.items() if when >= moment}


def test_a_copy_goes_its_own_way() -> None:
    deadlines = Deadlines()
    deadlines.set(b"a", 1)
    twin = deadlines.copy()
    twin.set(b"b", 0)
    deadlines.discard(b"a")
    assert (deadlines.first(), twin.first(), len(twin)) == (None, (0, b"b"), 2)


def test_a_name_whose_time_changes_often_does_not_fill_the_memory() -> None:
    deadlines = Deadlines()
    deadlines.set(b"first", 0)
    for when in range(1, 10_000):
        deadlines.set(b"moving", when)
    assert len(deadlines._heap) <= 2 * len(deadlines) + SPARE_ENTRIES + 1
    assert deadlines.first() == (0, b"first")
