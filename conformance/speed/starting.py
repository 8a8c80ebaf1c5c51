"""How long it takes until something can be used: an import, a process, an engine."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from conformance.servers import Server, ServerBinary, start, start_miniredis

DEADLINE: Final = 60.0

ENGINES: Final = 200

TURNS: Final = 5

_ENGINE: Final = f"""
import time
import miniredis.commands
from miniredis.engine.engine import Engine
Engine()
began = time.perf_counter()
for _ in range({ENGINES}):
    Engine()
print((time.perf_counter() - began) / {ENGINES})
"""


@contextmanager
def compiled() -> Iterator[None]:
    """Let the processes that are started meanwhile find their modules compiled, as an installed package's are, whatever
    the environment says about that."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(PYTHONPYCACHEPREFIX=folder, PYTHONDONTWRITEBYTECODE="")
        try:
            run_python("-m", "miniredis", "--version")
            run_python("-c", "from miniredis import MiniRedis; MiniRedis().start().stop()")
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def run_python(*words: str) -> None:
    """Run a Python that does what *words* say."""
    subprocess.run([sys.executable, *words], check=True, timeout=DEADLINE, stdout=subprocess.DEVNULL)


def importing() -> tuple[float, float]:
    """Milliseconds of processor time of a Python that imports nothing, and of one that imports all that a server in a
    test needs. Each is the least of several, taken by turns."""
    turns = [[_milliseconds_of(code) for code in ("pass", "from miniredis import MiniRedis")] for _ in range(TURNS)]
    bare, with_import = (min(column) for column in zip(*turns, strict=True))
    return bare, with_import


def _milliseconds_of(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_python("-c", code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


def becoming_ready(real: ServerBinary | None) -> float:
    """Milliseconds until a server answers: a real one, or miniredis. The least of several."""
    return min(_milliseconds_until_ready(real) for _ in range(TURNS))


def _milliseconds_until_ready(real: ServerBinary | None) -> float:
    began = time.perf_counter()
    with start(real) if real is not None else start_miniredis() as server:
        return _ready(server, began)


def _ready(server: Server, began: float) -> float:
    with server.connect() as wire:
        wire.call("PING")
    return (time.perf_counter() - began) * 1000


def new_engine() -> float:
    """Milliseconds of a fresh engine in a process that has imported everything."""
    line = [sys.executable, "-c", _ENGINE]
    done = subprocess.run(line, check=True, timeout=DEADLINE, capture_output=True, text=True)
    return float(done.stdout) * 1000
