"""The reply of a container's HELP subcommand, which is alike for all of them."""

from __future__ import annotations

from collections.abc import Iterable

from miniredis.engine.session import Session
from miniredis.resp.types import SimpleString


def subcommand_help(client: Session, container: str, lines: Iterable[str]) -> list[SimpleString]:
    """The help of *container* (in capitals) in Redis's form; *lines* are those of its own subcommands."""
    version = client.engine.version
    this_help = "    Print this help." if version.is_valkey or version.redis >= (7, 4) else "    Prints this help."
    heading = f"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    return [SimpleString(line.encode()) for line in (heading, *lines, "HELP", this_help)]
