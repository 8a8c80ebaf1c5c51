"""The parts of the measurement. Each does one round for all contenders, who take their turns workload by workload."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit
from typing import Final

from conformance.servers import Server, ServerBinary, ServerError, start, start_miniredis
from conformance.speed import growth, in_process, scripts, starting, workloads
from conformance.speed.contenders import ECHO, FAKEREDIS, MINIREDIS, REAL_SERVER
from conformance.speed.figures import Figures
from conformance.speed.load import Workload, requests_per_second


@dataclass(frozen=True)
class Bench:
    """What a part measures with. *scale* is the share of the requests, and of the entries, of a full measurement."""

    servers: dict[str, Server]
    real: ServerBinary
    program: Path
    figures: Figures
    scale: float = 1.0
    tell: Callable[[str], None] = print

    def give_up(self, name: str, why: Exception) -> None:
        """Go on without a contender who failed; raises *why* if that is miniredis, or the real server."""
        if name in (MINIREDIS, self.real.name):
            raise why
        self.tell(f"{name} takes part no more: {why}")
        del self.servers[name]

    def pair(self) -> Iterator[tuple[str, Server]]:
        """miniredis and the real server, which know more than a request or two."""
        for name in (MINIREDIS, self.real.name):
            yield name, self.servers[name]


Part = Callable[[Bench], None]

Measure = Callable[[Server, int, int], Iterator[tuple[str, float]]]
"""Asks a server that was just started, with so many entries or so many clients. What it has found, by its name."""


SPARE: Final = 64
"""Files that a server, and who asks it, has open beside those of its clients."""


def _by_benchmark(part: str, kinds: Sequence[Workload], *, without: frozenset[str]) -> Part:
    def measure(bench: Bench) -> None:
        bench.figures.units[part] = "requests a second"
        for workload in kinds:
            if workload.clients + SPARE > getrlimit(RLIMIT_NOFILE)[0]:
                bench.tell(f"{workload.name} is left out: a process may not open so many files here (ulimit -n)")
                continue
            for name, server in list(bench.servers.items()):
                if name in without:
                    continue
                scale = bench.scale * SLOW.get((name, part), 1)
                try:
                    if name != ECHO:
                        _prepare(server, workload)
                    rate = requests_per_second(bench.program, server, workload, scale=scale)
                except (ServerError, OSError) as error:
                    bench.give_up(name, error)
                else:
                    bench.figures.add(part, workload.name, name, rate)

    return measure


def _prepare(server: Server, workload: Workload) -> None:
    with server.connect(timeout=60) as wire:
        wire.call("FLUSHALL")
        for command in workload.prepare:
            wire.call(*command)


SLOW: Final = {(FAKEREDIS, "unpipelined"): 0.2, (FAKEREDIS, "pipelined"): 0.01}
"""Who makes only a share of the requests, since they would take minutes."""


def _growth(bench: Bench) -> None:
    bench.figures.units["growth"] = "microseconds a request, as its client sees it"
    bench.figures.units["growth in the server"] = "microseconds of the server's processor time a request"
    large = max(int(growth.LARGE * bench.scale), 10 * growth.SMALL)
    for name, server in bench.pair():
        for cost in growth.costs(server, large=large):
            workload = f"{cost.structure.name} at {growth.SIZES[cost.size]}"
            bench.figures.add("growth", workload, name, cost.seen)
            bench.figures.add("growth in the server", workload, name, cost.taken)


def _memory(bench: Bench) -> None:
    bench.figures.units["memory"] = "as it says"
    count = max(int(growth.LARGE * bench.scale), 10 * growth.SMALL)
    clients = max(int(5_000 * bench.scale), 100)
    add = bench.figures.add
    for name in (MINIREDIS, bench.real.name):
        for measure in (*_ENTRIES, _measure_clients, _measure_pipeline):
            with start_miniredis() if name == MINIREDIS else start(bench.real) as server:
                for what, value in measure(server, count, clients):
                    add("memory", what, name, value)


def _measure_entries(
    structure: growth.Structure, server: Server, count: int, clients: int
) -> Iterator[tuple[str, float]]:
    for size, value in growth.bytes_per_entry(server, structure, large=count):
        yield f"bytes of {structure.entry} at {growth.SIZES[size]}", value


_ENTRIES: Final[tuple[Measure, ...]] = tuple(
    partial(_measure_entries, each) for each in growth.STRUCTURES if each.entry
)


def _measure_clients(server: Server, count: int, clients: int) -> Iterator[tuple[str, float]]:
    memory, share = growth.idle_clients(server, clients=clients)
    yield "kB of an idle client", memory / 1000
    yield "% of a processor for 5,000 idle clients", share * 100


def _measure_pipeline(server: Server, count: int, clients: int) -> Iterator[tuple[str, float]]:
    yield "MB of a million commands in one write", growth.peak_of_pipeline(server, count=count)


def _blocked(bench: Bench) -> None:
    bench.figures.units["blocked"] = "requests a second"
    for workload in workloads.BESIDE_BLOCKED:
        for name, server in bench.pair():
            _prepare(server, workload)
            with growth.blocked_clients(server):
                rate = requests_per_second(bench.program, server, workload, scale=bench.scale)
            bench.figures.add("blocked", workloads.BLOCKED % workload.name, name, rate)
            rate = requests_per_second(bench.program, server, workload, scale=bench.scale)
            bench.figures.add("blocked", workload.name, name, rate)


def _stall(bench: Bench) -> None:
    bench.figures.units["stall"] = "milliseconds"
    count = max(int(growth.LARGE * bench.scale), 10 * growth.SMALL)
    for name, server in bench.pair():
        value = growth.longest_stall(server, count=count)
        bench.figures.add("stall", "slowest PING while a million keys expire", name, value)


def _start(bench: Bench) -> None:
    bench.figures.units["start"] = "as it says"
    add = bench.figures.add
    with starting.compiled():
        bare, importing = starting.importing()
        add("start", "import, ms", MINIREDIS, importing - bare)
        add("start", "ready, ms", MINIREDIS, starting.becoming_ready(None))
    add("start", "ready, ms", bench.real.name, starting.becoming_ready(bench.real))
    add("start", "engine, ms", MINIREDIS, starting.new_engine())


def _scripts(bench: Bench) -> None:
    bench.figures.units["scripts"] = "microseconds a call, but for the last"
    for script, who, cost in scripts.calls(max(int(20_000 * bench.scale), 500)):
        bench.figures.add("scripts", script, who, cost)
    bench.figures.add("scripts", "300 lines compiled, ms", MINIREDIS, scripts.compiling())


def _computing(bench: Bench) -> None:
    bench.figures.units["computing"] = "milliseconds"
    for name, server in bench.pair():
        for what, value in scripts.computing(server):
            bench.figures.add("computing", what, name, value)


def _embedded(bench: Bench) -> None:
    bench.figures.units["embedded"] = "microseconds a call, or as it says"
    add = bench.figures.add
    real = bench.servers[bench.real.name]
    urls = [f"redis://{server.host}:{server.port}" for server in (real, bench.servers[MINIREDIS])]
    for workload, name, value in in_process.one_round(*urls, portions=max(int(in_process.PORTIONS * bench.scale), 3)):
        add("embedded", workload, bench.real.name if name == REAL_SERVER else name, value)
    add("embedded", "import beside redis-py, ms", MINIREDIS, in_process.importing())
    add("embedded", "a fresh server, ms", MINIREDIS, in_process.fresh_server())


_NONE: Final[frozenset[str]] = frozenset()
_NO_PROTOCOL: Final = frozenset({ECHO})
_REAL_ONLY: Final = frozenset({ECHO, FAKEREDIS})

PARTS: Final[dict[str, Part]] = {
    "unpipelined": _by_benchmark("unpipelined", workloads.UNPIPELINED, without=_NONE),
    "pipelined": _by_benchmark("pipelined", workloads.PIPELINED, without=_NO_PROTOCOL),
    "latency": _by_benchmark("latency", workloads.LATENCY, without=_REAL_ONLY),
    "ranges": _by_benchmark("ranges", workloads.RANGES, without=_REAL_ONLY),
    "large values": _by_benchmark("large values", workloads.LARGE, without=_REAL_ONLY),
    "clients": _by_benchmark("clients", workloads.CLIENTS, without=_REAL_ONLY),
    "blocked": _blocked,
    "growth": _growth,
    "memory": _memory,
    "stall": _stall,
    "start": _start,
    "scripts": _scripts,
    "computing": _computing,
    "embedded": _embedded,
}
"""All of them, by their names."""

ONCE: Final = frozenset({"growth", "memory", "stall"})
"""What takes so long that it is measured in one round only."""
