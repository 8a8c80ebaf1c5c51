"""All of an engine's scripting, and what a command counts as whose script has flags of its own."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from miniredis.engine.scripting.flags import COMPATIBLE, ScriptFlags
from miniredis.engine.scripting.functions import FunctionLibraries
from miniredis.engine.scripting.running import Runner
from miniredis.engine.scripting.scripts import Scripts, read_shebang
from miniredis.resp.types import Argv, Error

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.table import Command


class Scripting:
    """The scripts and the functions of one engine, and what runs them."""

    def __init__(self, engine: Engine) -> None:
        self.runner = Runner(engine)
        self.scripts = Scripts(self.runner)
        self.functions = FunctionLibraries(self.runner)
        self._is_valkey = engine.version.is_valkey
        self._declared: dict[tuple[Command, ScriptFlags], Command] = {}

    def as_declared(self, command: Command, argv: Argv) -> Command:
        """What *command*, which runs a script, counts as in all checks: a script's own flags replace the command's."""
        flags = self._flags_of(command, argv)
        if flags.is_compatible:
            return command
        declared = self._declared.get((command, flags))
        if declared is None:
            declared = self._declared[command, flags] = copy(command)
            declared.is_write = not flags.no_writes
            declared.denyoom = not flags.no_writes and not flags.allow_oom
            declared.may_replicate = False
            declared.flags = tuple(flag for flag in command.flags if flag != "stale" or flags.allow_stale)
        return declared

    def _flags_of(self, command: Command, argv: Argv) -> ScriptFlags:
        if command.name.startswith("fcall"):
            function = self.functions.find(argv[1])
            return COMPATIBLE if function is None else function.flags
        if command.name.startswith("evalsha"):
            script = self.scripts.find(argv[1])
            return COMPATIBLE if script is None else script.flags
        if not argv[1].startswith(b"#!"):
            return COMPATIBLE
        try:
            return read_shebang(argv[1], is_valkey=self._is_valkey)[0]
        except Error:
            return COMPATIBLE
