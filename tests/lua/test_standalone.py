"""``python -m miniredis.lua``: what a program prints, how it ends and what is said of an error, as with ``lua5.1``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements import missing

# ruff: noqa: E501
OURS = [sys.executable, "-m", "miniredis.lua"]

PROGRAMS = {
    "prints": "print(1, 'a', nil, true, 1.5, 1e100, 10 / 2) print() io.write('x', 1, '\\n')",
    "arguments": "print(#arg, arg[1], arg[2], ...) print(select('#', ...))",
    "first line": "#!/usr/bin/lua\nprint('ran') error('line two is ' .. 2)",
    "error": "local function f()\n  error('boom')\nend\nlocal function g()\n  f()\nend\ng()",
    "error in library": "local t = {}\nstring.rep(t)\n",
    "error in method": "local o = {}\nfunction o:go() return self.x.y end\no:go()\n",
    "error value": "error({code = 1})",
    "error with a text of its own": "error(setmetatable({}, {__tostring = function() return 'told' end}))",
    "no error value": "error()",
    "number": "error(42)",
    "syntax": "x = = 1",
    "tail call": "local function f() error('x') end\nlocal function g() return f() end\ng()",
    "deep": "local function f(n)\n  if n == 0 then error('deep') end\n  f(n - 1)\nend\nf(30)",
    "exit": "io.write('before') os.exit(7) print('never')",
    "exit in pcall": "pcall(os.exit, 3) print('never')",
    "assert": "assert(false, 'assertion of mine')",
    "traceback": "print((debug.traceback('here'):gsub('\\n.*$', '')))\nlocal function f() print(debug.traceback('in f')) end f()",
    "handler": "print(xpcall(function() error('e') end, debug.traceback))",
    "information": "local function f() return debug.getinfo(1, 'Sl') end local i = f() print(i.short_src:match('[^/]*$'), i.currentline, i.what, i.linedefined) print(debug.getinfo(print).what)",
    "times": "print(os.time{year = 2024, month = 2, day = 29, hour = 12}, os.date('!%Y-%m-%d %H:%M:%S', 86400), os.date('!*t', 0).year, type(os.clock()), os.getenv('NO_SUCH'))",
    "times, wrong": "os.time{year = 2024}",
    "input": "print(io.read()) print(io.read('*n')) for line in io.lines() do print('[' .. line .. ']') end print(io.read('*a'), io.read())",
    "files": "print(io.type(io.stdout), io.type(5)) io.stderr:write('on stderr\\n') io.stdout:write('on stdout\\n')",
    "loaders": "print(loadfile('/no/such/file')) print(pcall(dofile, '/no/such/file'))",
    "coroutine": "local co = coroutine.create(function() error('within') end)\nprint(coroutine.resume(co))\ncoroutine.wrap(function() error('out') end)()",
    "metamethods": "local t = setmetatable({}, {__index = function(_, k) error('no ' .. k) end})\nreturn t.field",
    "concat": "local a\nprint('x' .. a)",
}  # fmt: skip


def told(program: list[str], file: Path) -> tuple[int, str, str]:
    """How it ended, and what it wrote; names and addresses are everybody's own."""
    done = subprocess.run(
        [*program, file.name, "one", "two"], cwd=file.parent, input=b"first\n12\nsecond\nthird", capture_output=True, check=False
    )  # fmt: skip
    errors = re.sub(r"\A\S*lua5\.1:", "lua:", done.stderr.decode())
    return done.returncode, done.stdout.decode(), re.sub("0x[0-9a-f]+", "0x", errors)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_as_it_does_with_lua(name: str, tmp_path: Path) -> None:
    lua = shutil.which("lua5.1")
    if lua is None:
        missing("lua5.1 on PATH")
    file = tmp_path / "program.lua"
    file.write_text(PROGRAMS[name])
    assert told(OURS, file) == told([lua], file)


def test_statements_of_the_command_line_are_run_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "program.lua"
    file.write_text("print(x)")
    done = subprocess.run([*OURS, "-e", "x = 5", str(file)], capture_output=True, text=True, check=True)
    assert done.stdout == "5\n"


def test_a_program_comes_from_standard_input() -> None:
    done = subprocess.run([*OURS, "-"], input="print(1 + 1)", capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


def test_a_file_that_is_not_there_is_complained_of() -> None:
    done = subprocess.run([*OURS, "/no/such/file.lua"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("lua: cannot open /no/such/file.lua")


def test_an_option_that_there_is_not_is_refused() -> None:
    done = subprocess.run([*OURS, "-z"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: ")
