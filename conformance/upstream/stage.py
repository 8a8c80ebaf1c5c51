"""The suite's own mode: a tree in which it starts its servers itself, as ``src/redis-server``.

Against a server that somebody else runs the suite leaves out whatever takes a server's command line, its config file or
its process: ACL files, passwords, limits, eviction. Here it runs as it does for Redis. The tree is one of links to the
suite's, for a single run: what the suite writes (``tests/tmp``) is gone with it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.upstream.source import Suite

CLIENTS: Final = ("redis-cli", "redis-benchmark")
"""Programs that some tests run."""

WRAPPER: Final = """\
#!/bin/sh
# The suite waits for this line, which is one of Redis's log.
echo "$$:M Server started, PID: $$"
exec {program} "$@" {options} 2>&1
"""


@dataclass(frozen=True)
class Stage:
    """A tree to run the suite in."""

    root: Path


@contextmanager
def stage(suite: Suite, program: Sequence[str], options: Sequence[str] = ()) -> Iterator[Stage]:
    """A tree of *suite* for the length of the block, whose server is *program*, with *options* behind its arguments."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        root = Path(folder)
        _link(suite.root, root, leaving_out={"src", "tests"})
        _link(suite.root / "tests", root / "tests", leaving_out={"tmp"})
        (root / "tests/tmp").mkdir()
        _link(suite.root / "src", root / "src", leaving_out={"redis-server", *CLIENTS})
        for client in CLIENTS:
            path = shutil.which(client)
            if path is not None:
                (root / "src" / client).symlink_to(path)
        server = root / "src/redis-server"
        server.write_text(WRAPPER.format(program=shlex.join(program), options=shlex.join(options)))
        server.chmod(0o755)
        yield Stage(root)


def _link(source: Path, target: Path, leaving_out: set[str]) -> None:
    target.mkdir(exist_ok=True)
    for name in os.listdir(source):
        if name not in leaving_out:
            (target / name).symlink_to(source / name)
