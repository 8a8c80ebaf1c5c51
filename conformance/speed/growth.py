"""How cost and memory grow with what a server holds: from a thousand keys, members, elements to a million.

A server is asked over its socket, by pipelines that were encoded beforehand, so that any server can be. Two things are
measured of pipelines of some thousand requests: the time as their client sees it, of which client and kernel take as
much at each size, and what processor time the server has taken. The latter grows for everybody, since what does not fit
into the processor's caches has to come from memory.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from conformance.servers import Server, ServerError
from conformance.speed.processes import forget_peak, processor_nanoseconds, processor_seconds, resident
from conformance.wire import Wire
from miniredis.resp import encode_command

SMALL: Final = 1_000
LARGE: Final = 1_000_000

SIZES: Final = {SMALL: "10³", 10_000: "10⁴", 100_000: "10⁵", LARGE: "10⁶"}
"""And how they are called."""

MEASURED: Final = 20_000
"""Requests of one measurement."""

AT_ONCE: Final = 1_000
"""Requests of one pipeline."""

Words: TypeAlias = tuple[str | int | float, ...]

PATIENCE: Final = 60.0
"""Seconds that a reply may take while a million keys are written."""


@dataclass(frozen=True)
class Structure:
    """Something that grows: *fill* writes entry number n, *ask* is measured with a random entry.

    *entry* is what one is called, where its memory is measured. *settle* asks for what the server may have put off.
    """

    name: str
    fill: Callable[[int], Words]
    ask: Callable[[int], Words]
    entry: str = ""
    settle: Words = ()


_SCORES: Final = itertools.count()
"""So that no score is asked for twice."""


STRUCTURES: Final = (
    Structure("GET", lambda n: ("SET", f"key:{n}", "x"), lambda n: ("GET", f"key:{n}"), "a key"),
    Structure("SET", lambda n: ("SET", f"key:{n}", "x"), lambda n: ("SET", f"key:{n}", "y")),
    Structure(
        "ZADD",
        lambda n: ("ZADD", "z", n, f"m{n}"),
        lambda n: ("ZADD", "z", next(_SCORES) * 7_919 % LARGE, f"m{n}"),
        "a member of a sorted set",
        settle=("ZRANGE", "z", 0, 0),
    ),
    Structure("ZRANK", lambda n: ("ZADD", "z", n, f"m{n}"), lambda n: ("ZRANK", "z", f"m{n}")),
    Structure("LPUSH", lambda n: ("LPUSH", "l", n), lambda n: ("LPUSH", "l", n), "an element of a list"),
    Structure("SADD", lambda n: ("SADD", "s", f"m{n}"), lambda n: ("SADD", "s", f"m{n}"), "a member of a set"),
    Structure("HSET", lambda n: ("HSET", "h", f"f{n}", n), lambda n: ("HSET", "h", f"f{n}", -n), "a field of a hash"),
)


def send_all(wire: Wire, commands: Iterable[Words]) -> None:
    """Send the commands by pipelines, and read their replies."""
    iterator = iter(commands)
    while requests := [encode_command(command) for command in itertools.islice(iterator, AT_ONCE)]:
        wire.send_raw(b"".join(requests))
        wire.read_many(len(requests))


@dataclass(frozen=True)
class Cost:
    """Microseconds of a request: as its client sees it, and of the server's processor time."""

    structure: Structure
    size: int
    seen: float
    taken: float


def cost(wire: Wire, pid: int, structure: Structure, size: int, random: Random) -> Cost:
    """What a request of *structure*, which has *size* entries, costs the server *pid*. The best of some pipelines."""
    seen = taken = float("inf")
    for _ in range(MEASURED // AT_ONCE):
        commands = [structure.ask(random.randrange(size)) for _ in range(AT_ONCE)]
        if structure.settle:
            commands[-1] = structure.settle
        requests = b"".join(map(encode_command, commands))
        had_taken = processor_nanoseconds(pid)  # which waits until the server sleeps
        began = time.perf_counter()
        wire.send_raw(requests)
        wire.read_many(AT_ONCE)
        seen = min(seen, time.perf_counter() - began)
        taken = min(taken, processor_nanoseconds(pid) - had_taken)
    return Cost(structure, size, seen / AT_ONCE * 1e6, taken / AT_ONCE / 1e3)


def costs(server: Server, *, large: int = LARGE) -> Iterator[Cost]:
    """What a request costs at each size up to *large*, structure by structure. Empties the server."""
    assert server.pid is not None
    random = Random(1)
    with server.connect(timeout=PATIENCE) as wire:
        for structure in STRUCTURES:
            wire.call("FLUSHALL")
            for size in _filled(wire, structure, large):
                yield cost(wire, server.pid, structure, size, random)
        wire.call("FLUSHALL")


def _filled(wire: Wire, structure: Structure, large: int) -> Iterator[int]:
    """Each size up to *large*, as soon as *structure* has it."""
    filled = 0
    for size in SIZES:
        if size <= large:
            send_all(wire, (structure.fill(number) for number in range(filled, size)))
            filled = size
            yield size


def bytes_per_entry(server: Server, structure: Structure, *, large: int = LARGE) -> Iterator[tuple[int, float]]:
    """Each size, and the bytes of memory for each of so many entries. To be asked of a server that was just started."""
    assert server.pid is not None
    before = resident(server.pid)
    with server.connect(timeout=PATIENCE) as wire:
        for size in _filled(wire, structure, large):
            if structure.settle:
                wire.call(*structure.settle)
            if size > SMALL:  # which is no more than what comes and goes all the time
                yield size, (resident(server.pid) - before) / size


@contextmanager
def blocked_clients(server: Server, clients: int = 1_000) -> Iterator[None]:
    """So many clients wait for something to be pushed, each at a key of its own."""
    with ExitStack() as stack:
        for number in range(clients):
            stack.enter_context(server.connect()).send("BLPOP", f"awaited:{number}", 0)
        _wait_for(server, b"\nblocked_clients:%d\r\n" % clients)
        yield


def _wait_for(server: Server, figure: bytes) -> None:
    """Ask until that is in INFO of the clients. Raises :class:`ServerError` if it does not come about."""
    deadline = time.monotonic() + PATIENCE
    with server.connect() as wire:
        while figure not in wire.call("INFO", "clients").raw:
            if time.monotonic() > deadline:
                raise ServerError(f"{server.name} has taken some of the clients only: there is no {figure.decode()!r}")


def idle_clients(server: Server, *, clients: int = 5_000, seconds: float = 2.0) -> tuple[float, float]:
    """Of so many clients who do nothing: bytes for each, and the share of a processor that all of them take."""
    assert server.pid is not None
    before = resident(server.pid)
    with ExitStack() as stack:
        for _ in range(clients):
            stack.enter_context(server.connect()).send("PING")
        _wait_for(server, b"connected_clients:%d\r\n" % (clients + 1))
        memory = (resident(server.pid) - before) / clients
        began = processor_seconds(server.pid)
        threading.Event().wait(seconds)
        return memory, (processor_seconds(server.pid) - began) / seconds


def longest_stall(server: Server, *, count: int = LARGE) -> float:
    """Milliseconds of the slowest PING while so many keys expire in the same second."""
    with server.connect(timeout=PATIENCE) as wire:
        wire.call("FLUSHALL")
        now = wire.call("TIME").value
        assert isinstance(now, list)
        due = int(now[0]) + max(count // 50_000, 2)
        send_all(wire, (("SET", f"key:{number}", "x", "PXAT", due * 1000 + number % 1000) for number in range(count)))
        slowest = 0.0
        while True:
            began = time.perf_counter()
            wire.call("PING")
            slowest = max(slowest, time.perf_counter() - began)
            answer = wire.call("TIME").value
            assert isinstance(answer, list)
            if int(answer[0]) >= due + 2 and wire.call("DBSIZE").value == 0:
                return slowest * 1000


def peak_of_pipeline(server: Server, *, count: int = LARGE) -> float:
    """Megabytes that the server's memory grows at most by so many commands in one write, whose replies are read."""
    assert server.pid is not None
    request = encode_command(("SET", "key", "value"))
    with server.connect(timeout=PATIENCE) as wire:
        wire.call("FLUSHALL")
        before = resident(server.pid)
        forget_peak(server.pid)
        sending = threading.Thread(target=wire.send_raw, args=(request * count,))
        sending.start()
        for _ in range(count):
            wire.read()
        sending.join()
        return (resident(server.pid, peak=True) - before) / 1e6
