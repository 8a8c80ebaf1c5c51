"""Scripts: the Lua files of ``lua/``, sent by digest, and by text to a server that does not know them.

The rule of this file: no server is believed to know a script. The first use in a process sends the text; later ones
send the digest, and the text again to whoever answers NOSCRIPT: after a failover, after SCRIPT FLUSH, a new node of a
cluster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from redis.exceptions import NoScriptError

from patterns.steps import Command, Pipeline, Steps

FOLDER: Final = Path(__file__).parent / "lua"


class Script:
    """One Lua file. All its keys are in KEYS, and share a hash tag; calling it gives the steps that run it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
        self.sent = False
        """Whether this process has sent the text to some server, which may be another now."""
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[Any], args: Sequence[Any] = ()) -> Steps[Any]:
        """Run it: the steps whose result is its reply."""
        return self.command(keys, args).steps()

    def command(self, keys: Sequence[Any], args: Sequence[Any] = ()) -> Run:
        """The command that runs it where it is known. For :func:`pipeline`, which sees to the rest."""
        return Run(self, keys, args)


class Run(Command):
    """EVALSHA of a script; as steps, with its text for a server that does not know it."""

    __slots__ = ("_keys", "_rest", "script")

    def __init__(self, script: Script, keys: Sequence[Any], args: Sequence[Any]) -> None:
        how = ("EVALSHA", script.digest) if script.sent else ("EVAL", script.text)
        script.sent = True
        super().__init__(*how, len(keys), *keys, *args)
        self.script = script
        self._keys = keys
        self._rest = args

    def with_text(self) -> Command:
        """The same by EVAL."""
        return Command("EVAL", self.script.text, len(self._keys), *self._keys, *self._rest)

    def steps(self) -> Steps[Any]:
        """Run it wherever it is known or not."""
        try:
            return (yield self)
        except NoScriptError:
            return (yield self.with_text())


def pipeline(commands: Sequence[Command]) -> Steps[list[Any]]:
    """A pipeline in which there are scripts; one reply or exception per command.

    Scripts that a server did not know run in a second round trip, after the other commands: for commands that do not
    depend on each other.
    """
    replies = list((yield Pipeline(commands)))
    unknown = [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        runs = [commands[place] for place in unknown]
        again = yield Pipeline(run.with_text() for run in runs if isinstance(run, Run))
        for place, reply in zip(unknown, again, strict=True):
            replies[place] = reply
    return replies
