"""The whole dataset of a server, key by key, in a form that two servers can be compared in.

What replies do not show, the dataset does: a wrong encoding, a lost expiry, a key left behind empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.freedoms import TIME_TOLERANCE_MS
from conformance.versions import Version, encoding_change
from conformance.wire import Wire
from miniredis.resp import Error, Reply

DATABASES: Final = 16
"""How many databases are looked into: Redis's default."""

SHORTEST_DIGITS: Final = Version("redis", (7, 2))
"""Since when doubles are written with as few digits as tell them from others."""

READERS: Final[dict[bytes, tuple[str, ...]]] = {
    b"string": ("GET", "{key}"),
    b"list": ("LRANGE", "{key}", "0", "-1"),
    b"set": ("SMEMBERS", "{key}"),
    b"hash": ("HGETALL", "{key}"),
    b"zset": ("ZRANGE", "{key}", "0", "-1", "WITHSCORES"),
    b"stream": ("XINFO", "STREAM", "{key}", "FULL", "COUNT", "0"),
}
"""How the value of each type is read (over RESP2)."""


@dataclass(frozen=True)
class KeyState:
    """One key: its type, its encoding, its time to live in milliseconds (-1: none) and its value."""

    type: bytes
    encoding: Reply
    pttl: int
    value: Any

    def differs_from(self, other: KeyState) -> Iterator[str]:
        """One line for each aspect in which they differ; time may have passed between the two looks."""
        for aspect in ("type", "encoding", "value"):
            ours, theirs = getattr(self, aspect), getattr(other, aspect)
            if ours != theirs:
                yield f"{aspect}: {ours!r} / {theirs!r}"
        if (self.pttl < 0) != (other.pttl < 0) or abs(self.pttl - other.pttl) > TIME_TOLERANCE_MS:
            yield f"time to live: {self.pttl} ms / {other.pttl} ms"


Dataset = dict[tuple[int, bytes], KeyState]
"""Database number and key name → what is there."""


def snapshot(wire: Wire) -> Dataset:
    """Read every database of the server. The connection must speak RESP2; it is left in database 0.

    Raises ``AssertionError`` if the server cannot even list its keys.
    """
    sizes = wire.pipeline(command for number in range(DATABASES) for command in (("SELECT", number), ("DBSIZE",)))
    dataset: Dataset = {}
    for number in range(DATABASES):
        selected, size = (frame.value for frame in sizes[2 * number : 2 * number + 2])
        if size == 0 or (number and isinstance(selected, Error)):
            continue
        wire.call("SELECT", number)
        keys = wire.call("KEYS", "*").value
        if not isinstance(keys, list):
            raise AssertionError(f"the datasets cannot be compared: KEYS * answered {keys!r}")
        dataset |= {(number, key): state for key, state in zip(keys, _read_keys(wire, keys), strict=True)}
    wire.call("SELECT", 0)
    return dataset


def _read_keys(wire: Wire, keys: list[bytes]) -> Iterator[KeyState]:
    types = [frame.value for frame in wire.pipeline([("TYPE", key) for key in keys])]
    kinds = [bytes(kind) if isinstance(kind, bytes) else repr(kind).encode() for kind in types]
    reads = [
        request
        for key, kind in zip(keys, kinds, strict=True)
        for request in (("PTTL", key), ("OBJECT", "ENCODING", key), _reader(kind, key))
    ]
    replies = [frame.value for frame in wire.pipeline(reads)]
    for at, kind in enumerate(kinds):
        pttl, encoding, value = replies[at * 3 : at * 3 + 3]
        yield KeyState(kind, encoding, pttl if isinstance(pttl, int) else -3, _canonical(kind, value))


def _reader(kind: bytes, key: bytes) -> tuple[str | bytes, ...]:
    return tuple(key if word == "{key}" else word for word in READERS.get(kind, ("DUMP", "{key}")))


def _canonical(kind: bytes, value: Reply) -> Any:
    """Take out what is free: the order of a set's members and of a hash's fields."""
    if isinstance(value, Error):
        return value
    if kind == b"set":
        return sorted(value)
    if kind == b"stream":
        return _timeless(value)
    if kind == b"hash":
        return sorted(zip(value[::2], value[1::2], strict=True))
    return value


def _timeless(value: Any) -> Any:
    """What ``XINFO STREAM FULL`` says, without the moments at which consumers were seen and entries delivered.

    The names of these fields go too: there are two of them since Redis 7.2.
    """
    if not isinstance(value, list):
        return value
    kinds = [type(item) for item in value]
    if kinds == [bytes, bytes, int, int]:  # A group's pending entry: id, consumer, delivery time, deliveries
        return [*value[:2], value[3]]
    if kinds == [bytes, int, int]:  # A consumer's: id, delivery time, deliveries
        return [value[0], value[2]]
    moments = {at + part for at, item in enumerate(value) if item in (b"seen-time", b"active-time") for part in (0, 1)}
    return [_timeless(item) for at, item in enumerate(value) if at not in moments]


def align_encodings(reference: Dataset, target: Dataset, versions: tuple[Version, Version]) -> Iterator[str]:
    """One line for each key whose encodings differ as is declared for these versions; in *reference* it has then the
    target's.
    """
    for number, key in sorted(reference.keys() & target.keys()):
        left, right = reference[number, key], target[number, key]
        change = encoding_change(left.type, (left.encoding, right.encoding), versions)
        if change:
            yield f"db{number} {key!r} encoding: {left.encoding!r} / {right.encoding!r} ({change})"
            reference[number, key] = replace(left, encoding=right.encoding)


def align_scores(reference: Dataset, target: Dataset, versions: tuple[Version, Version]) -> Iterator[str]:
    """One line for each sorted set whose scores are the same numbers in other digits, if these versions write them so;
    in *reference* it has then the target's.
    """
    if versions[0].inherits(SHORTEST_DIGITS) == versions[1].inherits(SHORTEST_DIGITS):
        return
    for number, key in sorted(reference.keys() & target.keys()):
        left, right = reference[number, key], target[number, key]
        if left.type == right.type == b"zset" and left.value != right.value and _numbers(left) == _numbers(right):
            yield f"db{number} {key!r}: scores in other digits (since {SHORTEST_DIGITS})"
            reference[number, key] = replace(left, value=right.value)


def _numbers(state: KeyState) -> list[tuple[bytes, float]]:
    return [(member, float(score)) for member, score in zip(state.value[::2], state.value[1::2], strict=True)]


def differences(reference: Dataset, target: Dataset) -> Iterator[str]:
    """One line for each key that only one side has, and for each aspect in which a key differs."""
    for number, key in sorted(reference.keys() | target.keys()):
        name = f"db{number} {key!r}"
        left, right = reference.get((number, key)), target.get((number, key))
        if left is None or right is None:
            yield f"{name}: only the {'target' if left is None else 'reference'} has it: {left or right}"
        else:
            yield from (f"{name} {line}" for line in left.differs_from(right))
