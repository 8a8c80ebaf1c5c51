"""A suite of a few lines that prints what Redis's prints, for tests that are about running it.

Its units are Tcl, as Redis's are. They know ``test NAME CODE``, ``hang`` (nothing happens any more, and the suite says
so), ``freeze`` (and it does not) and ``break_off`` (an error that no test catches).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.servers import Server
from conformance.upstream.source import Suite, from_directory
from tests.requirements import missing

HELPER = r"""
# Takes --durable, --skiptest and the like.
set skipped {}
for {set i 0} {$i < [llength $argv]} {incr i} {
    set value [lindex $argv [expr {$i + 1}]]
    switch -- [lindex $argv $i] {
        --single {set unit $value}
        --skiptest {lappend skipped $value}
        --port {set port $value}
    }
}
proc say {line} {puts $line; flush stdout}
proc test {name code} {
    if {$name in $::skipped} {say "\[skip\]: $name"; return}
    set ::running $name
    if {[catch {uplevel #0 $code} error]} {
        say "\[err\]: $name in tests/$::unit.tcl\n[string range $error 10 end]"
        if {![string match assertion:* $error]} {say $::errorInfo}
    } else {
        say "\[ok\]: $name (0 ms)"
    }
}
proc fail {message} {error "assertion:$message"}
proc hang {} {
    say "\[TIMEOUT\]: clients state report follows.\nsock1 => (IN PROGRESS) $::running"
    exit 1
}
proc freeze {} {vwait forever}
proc break_off {} {error "broken off"}
say "Testing $unit"
if {[catch {source tests/$unit.tcl} error]} {say "\[exception\]: $error"; exit 1}
say "\[1/1 done\]: $unit (0 seconds)\n\n   The End\n"
"""


@pytest.fixture
def tclsh() -> str:
    """The Tcl shell."""
    path = shutil.which("tclsh")
    if path is None:
        missing("tclsh")
    return path


@pytest.fixture
def write_suite(tmp_path: Path) -> Callable[..., Suite]:
    """Writes a suite of one unit for each keyword, the text of which is given."""

    def write(version: str = "7.0.15", **units: str) -> Suite:
        write_tree(tmp_path / "tree", version, units)
        return from_directory(tmp_path / "tree")

    return write


def write_tree(root: Path, version: str, units: dict[str, str]) -> None:
    """The files of a suite."""
    for folder in ("src", "tests/unit"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "src/version.h").write_text(f'#define REDIS_VERSION "{version}"\n')
    (root / "tests/test_helper.tcl").write_text(HELPER)
    for name, text in units.items():
        (root / f"tests/unit/{name}.tcl").write_text(text)


class Servers:
    """Stands for servers that can be started; nobody listens."""

    def __init__(self) -> None:
        self.started = 0

    @contextmanager
    def launch(self) -> Iterator[Server]:
        """The next one."""
        self.started += 1
        yield Server("fake", "127.0.0.1", self.started)


@pytest.fixture
def servers() -> Servers:
    """Servers, counted."""
    return Servers()
