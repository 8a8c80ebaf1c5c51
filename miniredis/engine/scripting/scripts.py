"""The scripts of EVAL: by their SHA1, each with what its first line says of it.

A script may begin with a *shebang*, ``#!lua flags=no-writes,allow-stale``. One that does is held to its flags and to
nothing else; one without is run in *compatibility mode*: what it must not do is found out command by command.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from miniredis.engine.scripting.conversions import array_content
from miniredis.engine.scripting.flags import COMPATIBLE, FLAGS, ScriptFlags, line_end
from miniredis.engine.scripting.running import Run, Runner
from miniredis.engine.scripting.sandbox import script_state
from miniredis.lua.values import LuaError, Table, Value
from miniredis.resp.inline import split_arguments
from miniredis.resp.types import Error, Reply

if TYPE_CHECKING:
    from miniredis.engine.session import Session


SCRIPT_OVERHEAD: Final = 128
"""The bytes of a script beside its text: its SHA1, and its place in a table."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that is known: its *function* is called once per EVAL."""

    sha: bytes
    body: bytes
    flags: ScriptFlags
    function: Value


class Scripts:
    """The scripts of one engine, and the state that they run in."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._scripts: dict[bytes, Script] = {}
        self._run = Run(is_eval=True)
        self._keys, self._argv = Table(), Table()
        self._new_state()

    def __len__(self) -> int:
        return len(self._scripts)

    @property
    def memory(self) -> int:
        """The bytes that Redis would take for the scripts, about."""
        return sum(len(script.body) + SCRIPT_OVERHEAD for script in self._scripts.values())

    def flush(self) -> None:
        """Forget all scripts; those to come run in a new state."""
        self._scripts.clear()
        self._new_state()

    def _new_state(self) -> None:
        """KEYS and ARGV are the same tables in each run, filled anew: no script can keep one of them for the next."""
        self.state = script_state(self._runner)
        self.state.globals.hash[b"KEYS"] = self._keys
        self.state.globals.hash[b"ARGV"] = self._argv

    def find(self, sha: bytes) -> Script | None:
        """The script with that SHA1, in whatever case of its letters."""
        return self._scripts.get(sha) or self._scripts.get(sha.lower())

    def find_body(self, body: bytes) -> Script | None:
        """The script whose text is *body*."""
        return self._scripts.get(sha1(body))

    def load(self, body: bytes) -> Script:
        """The script whose text is *body*, which is known from now on. Raises :class:`Error`."""
        sha = sha1(body)
        script = self._scripts.get(sha)
        if script is None:
            script = self._scripts[sha] = self._compile(sha, body)
        return script

    def run(self, caller: Session, argv: list[bytes], script: Script, keys: int, reads_only: bool) -> Reply:
        """Run *script* for *caller*, whose command is *argv*, with so many *keys*. Raises :class:`Error`."""
        runner, flags = self._runner, script.flags
        engine = runner.engine
        if engine.gate or not flags.is_compatible:
            runner.check(flags, reads_only=reads_only)
        first = 3 + keys
        self._keys.refill({1.0: argv[3]} if keys == 1 else array_content(argv[3:first]), keys)
        self._argv.refill(array_content(argv[first:]), len(argv) - first)
        run = self._run
        run.begin(caller, argv, script.sha, flags, reads_only, engine.clock.ns())
        return runner.run(run, self.state, script.function)

    def _compile(self, sha: bytes, body: bytes) -> Script:
        flags, length = read_shebang(body, is_valkey=self._runner.engine.version.is_valkey)
        try:
            function = self.state.load(body[length:], b"@user_script")
        except LuaError as failure:
            raise Error(b"ERR Error compiling script (new function): " + failure.value) from None
        return Script(sha, body, flags, function)


def sha1(body: bytes) -> bytes:
    """The digest by which a script is called."""
    return hashlib.sha1(body, usedforsecurity=False).hexdigest().encode()


def read_shebang(body: bytes, *, is_valkey: bool) -> tuple[ScriptFlags, int]:
    """The flags of a script, and the length of what stands before its code. Raises :class:`Error`."""
    if not body.startswith(b"#!"):
        return COMPATIBLE, 0
    end = line_end(body)
    if end < 0:
        raise Error("ERR Invalid script shebang")
    words = split_arguments(body[:end])
    if not words:
        raise Error("ERR Invalid engine in script shebang")
    if words[0] != b"#!lua" and not is_valkey:
        raise Error(b"ERR Unexpected engine in script shebang: " + words[0])
    names: set[bytes] = set()
    for word in words[1:]:
        if not word.startswith(b"flags="):
            raise Error(b"ERR Unknown lua shebang option: " + word)
        for name in word[len(b"flags=") :].split(b",") if word != b"flags=" else ():
            if name not in FLAGS:
                raise Error(b"ERR Unexpected flag in script shebang: " + name)
            names.add(name)
    if words[0].lower() != b"#!lua":
        raise Error(b"ERR Could not find scripting engine '%b'" % words[0][2:])
    return ScriptFlags.from_names(names), end
