"""A list against a plain Python list, and its encoding against what a Valkey 9.1 said."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from miniredis.structures.list import List
from miniredis.structures.quicklist import LISTPACK_FRAME, entry_size

ELEMENTS = st.one_of(
    st.sampled_from([b"a", b"b", b"", b"1", b"500", b"-70000"]),
    st.integers(1, 9000).map(lambda length: b"x" * length),
)
SIZES = st.sampled_from([-5, -2, -1, 0, 1, 2, 3, 8, 128])
COUNTS = st.integers(0, 5)


class AgainstPythonList(RuleBasedStateMachine):
    """Whatever is done, in whatever encoding, the elements are those of the model, and each is in one node."""

    @initialize(size=SIZES, always_quicklist=st.booleans(), plain_nodes=st.booleans())
    def start(self, size: int, always_quicklist: bool, plain_nodes: bool) -> None:
        self.size = size
        self.list = List.quicklist(size) if always_quicklist else List(plain_nodes=plain_nodes)
        self.model: list[bytes] = []

    @rule(elements=st.lists(ELEMENTS, min_size=1, max_size=5))
    def push_left(self, elements: list[bytes]) -> None:
        self.list.try_conversion_growing(elements, self.size)
        self.model[:0] = reversed(elements)
        assert self.list.push_left(elements) == len(self.model)

    @rule(elements=st.lists(ELEMENTS, min_size=1, max_size=5))
    def push_right(self, elements: list[bytes]) -> None:
        self.list.try_conversion_growing(elements, self.size)
        self.model += elements
        assert self.list.push_right(elements) == len(self.model)

    @rule()
    def pop_left(self) -> None:
        if self.model:
            assert self.list.pop_left() == self.model.pop(0)
            self.shrink()

    @rule()
    def pop_right(self) -> None:
        if self.model:
            assert self.list.pop_right() == self.model.pop()
            self.shrink()

    @rule(count=COUNTS)
    def take_left(self, count: int) -> None:
        assert self.list.take_left(count) == self.model[:count]
        del self.model[:count]
        self.shrink()

    @rule(count=COUNTS)
    def take_right(self, count: int) -> None:
        assert self.list.take_right(count) == self.model[::-1][:count]
        del self.model[max(len(self.model) - count, 0) :]
        self.shrink()

    @rule(data=st.data(), element=ELEMENTS, after=st.booleans())
    def insert(self, data: st.DataObject, element: bytes, after: bool) -> None:
        if self.model:
            pivot = data.draw(st.integers(0, len(self.model) - 1))
            self.list.try_conversion_growing([element], self.size)
            self.list.insert(pivot, element, after=after)
            self.model.insert(pivot + after, element)

    @rule(data=st.data(), element=ELEMENTS)
    def replace(self, data: st.DataObject, element: bytes) -> None:
        if self.model:
            index = data.draw(st.integers(-len(self.model), len(self.model) - 1))
            self.list.try_conversion_growing([element], self.size)
            self.list.replace(index, element)
            self.model[index] = element
            self.shrink()

    @rule(data=st.data(), count=st.integers(-3, 3))
    def remove(self, data: st.DataObject, count: int) -> None:
        element = data.draw(st.sampled_from([*self.model, b"absent"]))
        found = [index for index, each in enumerate(self.model) if each == element]
        chosen = found[:count] if count > 0 else found[count:] if count < 0 else found
        assert self.list.remove(element, count) == len(chosen)
        self.model = [each for index, each in enumerate(self.model) if index not in chosen]
        self.shrink()

    @rule(start=st.integers(0, 12), length=st.integers(0, 12))
    def trim(self, start: int, length: int) -> None:
        kept = self.model[start : start + length]
        assert self.list.trim(start, start + length) == len(self.model) - len(kept)
        self.model = kept
        self.shrink()

    @rule()
    def go_on_with_a_copy(self) -> None:
        original, self.list = self.list, self.list.copy()
        assert self.list == original
        original.push_left([b"to the original only"])

    @rule(data=st.data(), reverse=st.booleans(), skip=COUNTS, count=COUNTS, within=COUNTS)
    def find(self, data: st.DataObject, reverse: bool, skip: int, count: int, within: int) -> None:
        element = data.draw(st.sampled_from([*self.model, b"absent"]))
        met = list(enumerate(self.model))[:: -1 if reverse else 1][: within or None]
        matches = [index for index, each in met if each == element][skip:][: count or None]
        assert self.list.find(element, reverse=reverse, skip=skip, count=count, within=within) == matches

    def shrink(self) -> None:
        assert self.list.try_conversion_shrinking(self.size) == len(self.model)

    @invariant()
    def the_elements_are_the_same(self) -> None:
        assert list(self.list) == self.model
        assert list(reversed(self.list)) == self.model[::-1]
        assert len(self.list) == len(self.model)

    @invariant()
    def each_element_is_in_one_node(self) -> None:
        nodes = list(self.list.nodes())
        assert [element for elements, _ in nodes for element in elements] == self.model
        if self.list.encoding == "quicklist":
            assert all(elements for elements, _ in nodes)
            assert all(len(elements) == 1 for elements, plain in nodes if plain)

    @invariant()
    def sizes_add_up(self) -> None:
        layout = self.list._layout
        nodes = [layout] if layout.encoding == "listpack" else [node for node in layout.nodes if not node.plain]
        packed = [elements for elements, plain in self.list.nodes() if not plain]
        assert [node.size for node in nodes] == [LISTPACK_FRAME + sum(map(entry_size, each)) for each in packed]


TestAgainstPythonList = AgainstPythonList.TestCase
TestAgainstPythonList.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("start", [0, 255, 256, 257, 5000, 9998, 9999, 10000, 20000])
@pytest.mark.parametrize("length", [0, 1, 600, 20000])
def test_a_slice_is_that_of_a_python_list_wherever_it_lies(start: int, length: int) -> None:
    elements = [b"%d" % number for number in range(10000)]
    target = List()
    target.push_right(elements)
    assert target.slice(start, start + length) == elements[start : start + length]
    assert list(target) == elements


@pytest.mark.parametrize(
    ("element", "size"),
    [
        (b"", 2),
        (b"a", 3),
        (b"x" * 63, 65),
        (b"x" * 64, 67),
        (b"x" * 125, 128),
        (b"x" * 126, 130),
        (b"x" * 4095, 4099),
        (b"x" * 4096, 4103),
        (b"0", 2),
        (b"127", 2),
        (b"128", 3),
        (b"-1", 3),
        (b"4095", 3),
        (b"4096", 4),
        (b"-4096", 3),
        (b"-4097", 4),
        (b"32767", 4),
        (b"32768", 5),
        (b"-32768", 4),
        (b"-32769", 5),
        (b"8388607", 5),
        (b"8388608", 6),
        (b"2147483647", 6),
        (b"2147483648", 10),
        (b"-2147483648", 6),
        (b"9223372036854775807", 10),
        (b"9223372036854775808", 21),
        (b"007", 5),
        (b"+7", 4),
    ],
)
def test_an_entry_takes_the_bytes_that_it_takes_in_a_listpack(element: bytes, size: int) -> None:
    # Each from DEBUG OBJECT of a quicklist with this element and a large one.
    assert entry_size(element) == size


def pushed(*elements: bytes, size: int = -2) -> List:
    target = List()
    target.try_conversion_growing(elements, size)
    target.push_right(elements)
    return target


@pytest.mark.parametrize(
    ("size", "fitting", "beyond"),
    [
        (-1, 4089, 4090),
        (-2, 8185, 8186),
        (-3, 16377, 16378),
        (-4, 32761, 32762),
        (-5, 65529, 65530),
        (-9, 65529, 65530),
    ],
)
def test_a_listpack_has_room_for_as_many_bytes_as_the_directive_says(size: int, fitting: int, beyond: int) -> None:
    assert pushed(b"x" * fitting, size=size).encoding == "listpack"
    assert pushed(b"x" * beyond, size=size).encoding == "quicklist"


@pytest.mark.parametrize(("size", "entries"), [(0, 1), (1, 1), (3, 3), (128, 128)])
def test_a_listpack_has_room_for_as_many_entries_as_the_directive_says(size: int, entries: int) -> None:
    assert pushed(*[b"a"] * entries, size=size).encoding == "listpack"
    assert pushed(*[b"a"] * (entries + 1), size=size).encoding == "quicklist"


def test_a_listpack_limited_by_entries_is_no_longer_than_8_kilobytes_all_the_same() -> None:
    assert pushed(b"x" * 8185, size=128).encoding == "listpack"
    assert pushed(b"x" * 8186, size=128).encoding == "quicklist"


def test_a_quicklist_becomes_a_listpack_again_at_half_the_size() -> None:
    target = pushed(*[b"x" * 1000] * 9)  # two nodes: 8 elements and 1
    encodings = []
    while target:
        encodings.append(target.encoding)
        target.pop_right()
        target.try_conversion_shrinking(-2)
    assert encodings == ["quicklist"] * 5 + ["listpack"] * 4


def test_a_quicklist_of_two_nodes_stays_one_however_small_it_is() -> None:
    target = pushed(*[b"a"] * 5, size=4)
    target.trim(3, 5)
    target.try_conversion_shrinking(4)
    assert (len(target), target.encoding) == (2, "quicklist")


def test_a_quicklist_limited_by_entries_becomes_a_listpack_again_at_half_of_them() -> None:
    target = pushed(b"a", b"b", b"c", b"d", size=3)
    target.take_right(2)
    target.try_conversion_shrinking(3)
    assert target.encoding == "quicklist"
    target.take_right(1)
    target.try_conversion_shrinking(3)
    assert target.encoding == "listpack"


def test_a_list_of_redis_before_7_2_is_a_quicklist_whatever_its_size() -> None:
    target = List.quicklist(-2)
    assert target.encoding == "quicklist"
    target.push_left([b"a", b"b"])
    target.pop_left()
    target.try_conversion_shrinking(-2)
    assert target.encoding == "quicklist"
    assert target.copy().encoding == "quicklist"


def test_an_index_that_is_not_there_is_an_error() -> None:
    target = pushed(b"a")
    for index in (1, -2):
        with pytest.raises(IndexError):
            target[index]
        with pytest.raises(IndexError):
            target.replace(index, b"b")
    assert list(target) == [b"a"]


@pytest.mark.parametrize(("count", "encoding"), [(4089, "listpack"), (4090, "quicklist")])
def test_a_list_made_at_once_is_a_listpack_if_its_elements_fit_in_one_node(count: int, encoding: str) -> None:
    # Of 2 bytes each there is room for 4092, but a node takes no element that could overrun it with its overhead.
    made = List.from_elements([b"1"] * count, -2)
    assert (len(made), made.encoding) == (count, encoding)
    assert pushed(*[b"1"] * count).encoding == "listpack", "which RPUSH reckons by the elements' lengths alone"
