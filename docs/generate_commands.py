"""Writes docs/commands.md, the list of the commands, from the command table.

Run ``python docs/generate_commands.py`` after adding or changing a command; a test fails until that is done.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import miniredis.commands  # noqa: E402  (fills the command table)
from miniredis.engine import syntax  # noqa: E402
from miniredis.engine.table import Command, CommandTable  # noqa: E402
from miniredis.engine.version import DEFAULT_VERSION, VERSIONS  # noqa: E402

assert miniredis.commands

PAGE = ROOT / "docs" / "commands.md"

GROUPS = {
    "string": "Strings",
    "generic": "Keys",
    "hash": "Hashes",
    "list": "Lists",
    "set": "Sets",
    "sorted-set": "Sorted sets",
    "stream": "Streams",
    "bitmap": "Bitmaps",
    "hyperloglog": "HyperLogLog",
    "geo": "Geospatial",
    "transactions": "Transactions",
    "pubsub": "Pub/sub",
    "scripting": "Scripting",
    "connection": "Connections",
    "server": "Server",
    "cluster": "Cluster",
}

INTRODUCTION = """\
# Commands

<!-- Written by docs/generate_commands.py: do not edit. -->

{total} commands and subcommands. Arguments are those of {default}, the default of `--emulate`. *Since* is the version
of Redis that brought the command, or of Valkey: a server that emulates an older one answers `ERR unknown command`.

A test asks real servers which commands they have. Of those of Redis 7.0 and Valkey 9.1 none is missing. Of those of
Redis 8.2 vector sets (`VADD` and its kin) are missing: they are a type of their own, made by a module that is built in.
What came with Redis 8.4 is made from its documentation, and was not compared with a server; `CLUSTER MIGRATION` and the
option `CLAIM` of `XREADGROUP` are missing.
"""

NOTES = {
    "cluster": (
        "There is no cluster here yet: these are answered as by a server without `cluster-enabled`, most of them with"
        " `ERR This instance has cluster support disabled`."
    ),
}
"""What is to be said of a whole group, above its table."""


def page() -> str:
    """The whole page."""
    commands = list(_commands())
    groups: dict[str, list[Command]] = defaultdict(list)
    for command in commands:
        groups[(command.parent or command).declaration.group].append(command)
    parts = [INTRODUCTION.format(total=len(commands), default=DEFAULT_VERSION.name)]
    parts += (
        _section(title, NOTES.get(group, ""), groups.pop(group)) for group, title in GROUPS.items() if group in groups
    )
    assert not groups, f"groups without a title: {sorted(groups)}"
    return "\n".join(parts)


def _commands() -> Iterator[Command]:
    """Every command that can be called, as the default version has it or else the newest that does."""
    found: dict[str, Command] = {}
    for version in (DEFAULT_VERSION, *reversed(VERSIONS.values())):
        for command in CommandTable.for_version(version).all():
            found.setdefault(command.name, command)
    return (found[name] for name in sorted(found) if found[name].declaration.handler is not None)


def _section(title: str, note: str, commands: Iterable[Command]) -> str:
    rows = "\n".join(map(_row, commands))
    return f"## {title}\n\n{note and note + chr(10) * 2}| Command | Arguments | Since | |\n|---|---|---|---|\n{rows}\n"


def _row(command: Command) -> str:
    declaration = command.declaration
    name = command.name.upper().replace("|", " ")
    arguments = syntax.render(command.arguments).replace("|", "\\|")
    valkey_since = f"Valkey {declaration.valkey_since}" if declaration.valkey_since else ""
    since = declaration.since
    if not DEFAULT_VERSION.has(declaration.since):
        since = ", ".join(filter(None, (declaration.since, valkey_since)))
    return f"| `{name}` | {f'`{arguments}`' if arguments else ''} | {since} | {declaration.summary} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
