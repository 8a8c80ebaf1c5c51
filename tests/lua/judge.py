"""What a piece of Lua gives, as one text: here, by PUC's ``lua5.1``, and by a real server's EVAL.

The same driver, in Lua, runs the pieces everywhere: as an expression if they are one, else as a chunk. Values are told
as ``tostring`` tells them, without addresses, and an error as ``error: `` and its value.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

import miniredis.commands  # noqa: F401
from conformance.wire import Wire
from miniredis.engine.engine import Engine
from miniredis.engine.version import VERSIONS
from miniredis.lua.standalone import standalone_state
from miniredis.resp.types import Error
from tests.requirements import missing

DRIVER = r"""
local told = {}
local function text(value)
  if type(value) == 'table' and not pcall(tostring, value) then return 'table' end
  return (tostring(value):gsub('0x%x+', '0x'):gsub('builtin: ', ''))
end
local function gather(ok, ...)
  if not ok then return 'error: ' .. text((...)) end
  local parts = {}
  for i = 1, select('#', ...) do parts[i] = text((select(i, ...))) end
  return table.concat(parts, '\t')
end
for i, source in ipairs(SOURCES) do
  local chunk, message = loadstring('return ' .. source, '=it')
  if not chunk then chunk, message = loadstring(source, '=it') end
  if chunk and SANDBOX then chunk = SANDBOX(chunk) end
  told[i] = chunk and gather(pcall(chunk)) or 'refused: ' .. message
end
"""

ENVIRONMENTS = "local function SANDBOX(f) return setfenv(f, setmetatable({}, {__index = _G})) end\n"
ENGINES_OWN = "local SOURCES, SANDBOX = ARGV\n"


def ours(source: str) -> str:
    """What Lua by itself gives here."""
    state = standalone_state()
    chunk = state.load((ENVIRONMENTS + "local SOURCES = {...}" + DRIVER + "return told[1]").encode(), b"=driver")
    told = state.run(chunk, (source.encode("latin-1"),))
    return str(told, "latin-1")


def by_lua(sources: Sequence[str]) -> list[str]:
    """What PUC's Lua gives."""
    program = shutil.which("lua5.1")
    if program is None:
        missing("lua5.1 on PATH")
    quoted = ",\n".join(quote(source) for source in sources)
    answer = "for i = 1, #told do io.write(#told[i], '\\n', told[i]) end"
    script = f"{ENVIRONMENTS}local SOURCES = {{{quoted}}}\n{DRIVER}{answer}"
    done = subprocess.run([program, "-"], input=script.encode("latin-1"), capture_output=True, timeout=60, check=True)
    return _unpacked(done.stdout)


def _unpacked(data: bytes) -> list[str]:
    told: list[str] = []
    while data:
        length, _, data = data.partition(b"\n")
        told.append(str(data[: int(length)], "latin-1"))
        data = data[int(length) :]
    return told


def quote(text: str) -> str:
    """*text* as a string of Lua, whatever is in it."""
    return '"' + re.sub(r"[^A-Za-z0-9 _.,]", lambda found: f"\\{ord(found[0]):03d}", text) + '"'


@cache
def _engine() -> Engine:
    return Engine(VERSIONS["redis-7.0"], seed=1)


def ours_in_engine(source: str) -> str:
    """What a script gives here."""
    engine = _engine()
    session = engine.connect(lambda reply: None)
    told = engine.execute(session, [b"EVAL", script_of(), b"0", source.encode("latin-1")])
    if isinstance(told, Error):
        return f"no reply: {told}"
    return str(told[0], "latin-1")


def by_server(wire: Wire, sources: Sequence[str]) -> list[str]:
    """What a script gives on a real server."""
    told = wire.call("EVAL", script_of(), "0", *(source.encode("latin-1") for source in sources)).value
    assert isinstance(told, list), told
    return [str(each, "latin-1") for each in told]


def script_of() -> bytes:
    """The driver as a script, whose arguments are the pieces."""
    return (ENGINES_OWN + DRIVER + "return told").encode()
