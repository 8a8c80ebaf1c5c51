"""How long it takes until something can be used: an import, a process, an engine."""

from __future__ import annotations

import os
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
            milliseconds_of("-m", "miniredis", "--version")
            milliseconds_of("-c", "from miniredis import MiniRedis; MiniRedis().start().stop()")
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def milliseconds_of(*words: str) -> float:
    """Milliseconds of a Python that does what *words* say."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, timeout=DEADLINE)
    return (time.perf_counter() - began) * 1000


def importing() -> tuple[float, float]:
    """Milliseconds of a Python that imports nothing, and of one that imports all that a server in a test needs."""
    return milliseconds_of("-c", "pass"), milliseconds_of("-c", "from miniredis import MiniRedis")


def becoming_ready(real: ServerBinary | None) -> float:
    """Milliseconds until a server answers: a real one, or miniredis."""
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
