"""What a cache asks the server: one method per question, each one round trip.

The rule of this file: questions and answers, no decisions. An error of the server or of the way to it is
:class:`UnavailableError` here, so that it is never taken for an error of a loader, which may use Redis itself.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from patterns.circuit import Circuit, CircuitOpenError
from patterns.codecs import Codec
from patterns.envelope import Stored, seal, unseal
from patterns.expiry import Expiry
from patterns.keys import key
from patterns.metrics import Metrics
from patterns.scripts import Run, Script, pipeline
from patterns.steps import Command, Scan, Steps, T, raise_errors

READ: Final = Script("cache_read")
TAKE: Final = Script("cache_take")
FILL: Final = Script("cache_fill")
INVALIDATE: Final = Script("cache_invalidate")
BEGIN_WRITE: Final = Script("write_begin")
END_WRITE: Final = Script("write_end")
WRITE_VERSION: Final = Script("write_version")
TAG: Final = Script("cache_tag")

DOWN: Final = (
    *(RedisConnectionError, RedisTimeoutError, BusyLoadingError, ClusterDownError, ReadOnlyError),
    RedisClusterException,  # no node can be reached; it is no RedisError
)
"""What says that the server is not there, rather than that it refuses a command."""

FENCE: Final = 9
"""For how many times its lock a lease stays a fence after it: a loader may be that much slower and still land."""

EVERYTHING: Final = "*"
"""What is told on the channel of invalidations when all keys are invalid; one key is told as ``=key``."""


class UnavailableError(Exception):
    """The server could not be asked, or failed. The cause is redis-py's exception."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to asking for a lease: exactly one of a value, the lease, and the reason why there is neither."""

    stored: Stored | None = None
    token: bytes | None = None
    busy_ms: int = 0
    """How long somebody else has the lock; 0 while a writer is at work, and nothing can be stored."""
    unreadable: bytes | None = None
    """What is stored, and is no value to us."""


@dataclass(frozen=True)
class Store:
    """The server's side of a cache."""

    prefix: str
    expiry: Expiry
    codec: Codec
    lease_ms: int
    metrics: Metrics
    circuit: Circuit
    precise: bool
    """Whether the time that is left matters to readers: only then it is asked for, by a script."""
    slice_ms: int
    """How long one wait for a wake-up may last."""
    channel: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "channel", f"{self.prefix}invalidations")

    def value_key(self, name: str) -> str:
        """The key of a value."""
        return key(self.prefix, name)

    def keys(self, name: str) -> list[str]:
        """The keys of a value, its lease, and its wake-up."""
        return [key(self.prefix, name), key(self.prefix, name, "lease"), key(self.prefix, name, "wake")]

    def ask(self, steps: Steps[T]) -> Steps[T]:
        """Ask, if the circuit lets us."""
        try:
            self.circuit.enter()
            answer = yield from steps
        except (RedisError, RedisClusterException) as error:
            raise self._unavailable(error) from error
        self.circuit.succeeded()
        return answer

    def _unavailable(self, error: Exception) -> UnavailableError:
        """The error to raise; the circuit hears of it, unless it is its own."""
        if isinstance(error, DOWN):
            if not isinstance(error, CircuitOpenError):
                self.circuit.failed()
        else:
            self.circuit.succeeded()  # It answered.
        return UnavailableError(error)

    def read(self, name: str) -> Steps[Stored | None]:
        """The value, and how long it is fresh."""
        # The whole of a hit, and so without the generators and calls that ask() would put in between.
        circuit = self.circuit
        try:
            if circuit.in_a_row:
                circuit.enter()
            command = self._reading(name)
            try:
                reply = yield command
            except NoScriptError:
                if not isinstance(command, Run):
                    raise
                reply = yield command.with_text()
        except (RedisError, RedisClusterException) as error:
            raise self._unavailable(error) from error
        if circuit.in_a_row:
            circuit.succeeded()
        return self._stored(name, reply)

    def _reading(self, name: str) -> Command:
        if self.precise:
            return READ.command([key(self.prefix, name)])
        return Command("GET", key(self.prefix, name))

    def read_many(self, names: Sequence[str]) -> Steps[list[Stored | None]]:
        """The same for several keys."""
        replies = yield from self.ask(_checked(pipeline([self._reading(name) for name in names])))
        return [self._stored(name, reply) for name, reply in zip(names, replies, strict=True)]

    def _stored(self, name: str, reply: Any) -> Stored | None:
        left_ms = math.inf
        if self.precise:
            reply, left = reply
            if left != -1:
                left_ms = left - self.expiry.stale_ms
        if reply is None:
            return None
        stored = unseal(self.codec, reply, left_ms)
        if stored is None:
            self.metrics.note("corrupt", name)
        return stored

    def take(self, name: str, enough_ms: float) -> Steps[Taken]:
        """The lease, unless there is a value that has more than so many milliseconds left."""
        (taken,) = yield from self.take_many([name], [enough_ms])
        return taken

    def take_many(self, names: Sequence[str], enough_ms: Sequence[float]) -> Steps[list[Taken]]:
        """The leases of several keys, unless there are values that have more than so many milliseconds left.

        What cannot be read counts as no value: a second round trip takes the leases of such keys.
        """
        asked = [
            (name, [secrets.token_bytes(16), self.lease_ms, FENCE * self.lease_ms, self._least(enough)])
            for name, enough in zip(names, enough_ms, strict=True)
        ]
        answers = yield from self._take_all(asked)
        unreadable = [place for place, taken in enumerate(answers) if taken.unreadable is not None]
        if unreadable:
            for place in unreadable:
                # What was seen is no value, but whatever has taken its place since is one.
                asked[place][1].append(hashlib.sha1(answers[place].unreadable or b"").hexdigest())
            again = yield from self._take_all([asked[place] for place in unreadable])
            for place, taken in zip(unreadable, again, strict=True):
                answers[place] = taken
        return answers

    def _least(self, enough_ms: float) -> int:
        return max(math.floor(enough_ms), int(self.precise))

    def _take_all(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> Steps[list[Taken]]:
        commands = [TAKE.command(self.keys(name), arguments) for name, arguments in asked]
        if len(commands) == 1:
            replies: Sequence[Any] = [(yield from self.ask(commands[0].steps()))]
        else:
            replies = yield from self.ask(_checked(pipeline(commands)))
        return [self._taken(arguments[0], *reply) for (_, arguments), reply in zip(asked, replies, strict=True)]

    def _taken(self, token: bytes, answer: bytes, *rest: Any) -> Taken:
        if answer == b"taken":
            return Taken(token=token)
        if answer == b"busy":
            return Taken(busy_ms=int(rest[0]))
        if answer == b"value":
            stored = unseal(self.codec, rest[0])
            if stored is None:
                return Taken(unreadable=rest[0])
            stored.left_ms = math.inf if rest[1] == -1 else rest[1] - self.expiry.stale_ms
            return Taken(stored=stored)
        return Taken()

    def wait(self, name: str, busy_ms: int) -> Steps[None]:
        """Until whoever has the lease ends it, for so many milliseconds at most, but no longer than a slice."""
        granted = max(1, min(busy_ms, self.slice_ms))
        # The stream is made by whoever ends the lease, and removed with the next lease: whatever is in it is news.
        try:
            yield from self.ask(Command("XREAD", "BLOCK", granted, "STREAMS", self.keys(name)[2], "0").steps())
        except UnavailableError as failure:
            if not isinstance(failure.error, RedisTimeoutError):
                raise

    def fill(self, name: str, token: bytes, sealed: bytes, fresh: float) -> Steps[bool]:
        """End our lease with a value: whether it landed."""
        args = [token, self.lease_ms, sealed, self.expiry.hard_ms(fresh)]
        return bool((yield from self.ask(FILL(self.keys(name), args))))

    def fill_many(self, filled: Sequence[tuple[str, bytes, bytes, float]]) -> Steps[list[bool]]:
        """The same for several keys: name, token, sealed value, how many seconds it is fresh."""
        commands = [
            FILL.command(self.keys(name), [token, self.lease_ms, sealed, self.expiry.hard_ms(fresh)])
            for name, token, sealed, fresh in filled
        ]
        return [bool(reply) for reply in (yield from self.ask(_checked(pipeline(commands))))]

    def release(self, leases: Mapping[str, bytes]) -> Steps[dict[str, bool]]:
        """End leases of ours (name: token) without values: which ones were still ours, and nobody says they were not.

        It is not essential: they end by themselves.
        """
        commands = [FILL.command(self.keys(name), [token, self.lease_ms]) for name, token in leases.items()]
        try:
            replies = yield from self.ask(_checked(pipeline(commands)))
        except UnavailableError:
            self.metrics.note("error", "")
            return dict.fromkeys(leases, True)
        return {name: bool(reply) for name, reply in zip(leases, replies, strict=True)}

    def write(self, name: str, value: Any, fresh: float) -> Steps[None]:
        """Store a value, whoever is loading one."""
        args = [
            self.channel,
            f"={name}",
            self.lease_ms,
            seal(self.codec, value, 0.0),
            self.expiry.hard_ms(fresh),
        ]
        yield from self.ask(INVALIDATE(self.keys(name), args))

    def begin_write(self, name: str, token: bytes, writing_ms: int) -> Steps[None]:
        """Delete the value, and let none be stored until this write ends, or so many milliseconds are over."""
        args = [token, writing_ms, self.channel, f"={name}", self.lease_ms]
        yield from self.ask(BEGIN_WRITE(self._written(name), args))

    def end_write(self, name: str, token: bytes, version: str, sealed: bytes, times: tuple[int, int]) -> Steps[bool]:
        """End a write, with a version and a value, or without (it failed): whether the value was stored."""
        args = [token, version, sealed, *times, self.channel, f"={name}"]
        return bool((yield from self.ask(END_WRITE(self._written(name), args))))

    def write_versions(self, written: Sequence[tuple[str, str, bytes, float]], version_ms: int) -> Steps[list[bool]]:
        """Store values (name, version, sealed, seconds), unless there is a later version: which ones were stored."""
        commands = [
            WRITE_VERSION.command(
                self._written(name),
                [version, sealed, self.expiry.hard_ms(fresh), version_ms, self.channel, f"={name}", self.lease_ms],
            )
            for name, version, sealed, fresh in written
        ]
        return [bool(reply) for reply in (yield from self.ask(_checked(pipeline(commands))))]

    def _written(self, name: str) -> list[str]:
        return [*self.keys(name), key(self.prefix, name, "writers"), key(self.prefix, name, "version")]

    def invalidate(self, names: Sequence[str]) -> Steps[int]:
        """Delete values and leases: how many values there were."""
        commands = [INVALIDATE.command(self.keys(name), [self.channel, f"={name}", self.lease_ms]) for name in names]
        return sum((yield from self.ask(_checked(pipeline(commands)))))

    def tag(self, tags: Iterable[str], names: Sequence[str], fresh: float) -> Steps[None]:
        """Note that keys carry tags, for longer than any value that is about to be stored can live."""
        ttl = 0
        if not math.isinf(fresh):
            ttl = math.ceil(fresh * 1000 * (1 + self.expiry.jitter)) + self.expiry.stale_ms + 10 * self.lease_ms
        commands = [TAG.command([self.tag_key(tag)], [ttl, *names]) for tag in tags]
        yield from self.ask(_checked(pipeline(commands)))

    def tagged(self, tags: Sequence[str]) -> Steps[list[str]]:
        """The keys that carry any of these tags."""
        replies = yield from self.ask(_checked(pipeline([Command("ZRANGE", self.tag_key(tag), 0, -1) for tag in tags])))
        return sorted({name.decode() for reply in replies for name in reply})

    def tag_key(self, tag: str) -> str:
        """The key of the set of a tag's keys."""
        return key(self.prefix, tag, "tag")

    def clear(self) -> Steps[None]:
        """Delete all leases, then all values: what was being loaded when it began does not land behind its back.

        The marks of writers stay.
        """
        start = "".join(f"\\{letter}" if letter in "\\*?[]^-" else letter for letter in self.prefix) + "{*}"
        leases = yield from self.ask(Scan(f"{start}:lease").steps())
        yield from self._in_batches([self._clearing(lease) for lease in leases])
        values = yield from self.ask(Scan(start).steps())
        yield from self._in_batches([Command("UNLINK", value) for value in values])
        yield from self.ask(Command("PUBLISH", self.channel, EVERYTHING).steps())

    def _clearing(self, lease: str | bytes) -> Command:
        """The invalidation of whatever has this lease. The client may decode what it has found."""
        value = (lease if isinstance(lease, str) else lease.decode()).removesuffix(":lease")
        return INVALIDATE.command([value, f"{value}:lease", f"{value}:wake"], [self.channel, EVERYTHING, self.lease_ms])

    def _in_batches(self, commands: Sequence[Command]) -> Steps[None]:
        for place in range(0, len(commands), 500):
            yield from self.ask(_checked(pipeline(commands[place : place + 500])))


def _checked(steps: Steps[list[Any]]) -> Steps[Sequence[Any]]:
    return raise_errors((yield from steps))
