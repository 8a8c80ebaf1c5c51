"""The command table of one emulated version: the declarations, with what that version lacks left out.

A table is built once per version and shared by all engines; it holds facts only. What an engine counts about a command
is kept by the engine.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from miniredis.engine.command import DECLARATIONS, Declaration, GetKeys, Handler, KeySpec
from miniredis.engine.version import ServerVersion, parse_version

UNLIMITED: Final = 1 << 62


class Command:
    """A command as one version has it.

    *minimum* and *maximum* bound the length of argv, the name (and subcommand) included. The flags that dispatch asks
    about are attributes of their own; all of them, in Redis's names, are in ``flags``.
    """

    __slots__ = (
        "admin",
        "allow_busy",
        "arity",
        "blocking",
        "declaration",
        "denyoom",
        "flags",
        "get_keys",
        "handler",
        "is_readonly",
        "is_write",
        "keys",
        "may_replicate",
        "maximum",
        "minimum",
        "name",
        "no_auth",
        "no_multi",
        "noscript",
        "parent",
        "skip_monitor",
        "skip_slowlog",
        "subcommands",
        "tips",
    )

    handler: Handler

    def __init__(self, declaration: Declaration, version: ServerVersion, parent: Command | None = None) -> None:
        arity, flags, keys, tips = declaration.arity, declaration.flags, declaration.keys, declaration.tips
        for variant in declaration.variants:
            if version.redis < parse_version(variant.until):
                arity = arity if variant.arity is None else variant.arity
                flags = flags if variant.flags is None else variant.flags
                keys = keys if variant.keys is None else variant.keys
                tips = tips if variant.tips is None else variant.tips
        self.declaration = declaration
        self.parent = parent
        self.name = declaration.name
        self.handler = declaration.handler or _container
        self.arity = arity
        self.minimum = abs(arity)
        self.maximum = arity if arity > 0 else UNLIMITED
        self.keys: tuple[KeySpec, ...] = keys
        self.tips: tuple[str, ...] = tips
        self.get_keys: GetKeys | None = declaration.get_keys
        self.flags: tuple[str, ...] = tuple(flags.split())
        self.is_write = "write" in self.flags
        self.is_readonly = "readonly" in self.flags
        self.denyoom = "denyoom" in self.flags
        self.admin = "admin" in self.flags
        self.noscript = "noscript" in self.flags
        self.blocking = "blocking" in self.flags
        self.skip_monitor = "skip_monitor" in self.flags
        self.skip_slowlog = "skip_slowlog" in self.flags or "skip_commandlog" in self.flags
        self.no_auth = "no_auth" in self.flags
        self.no_multi = "no_multi" in self.flags
        self.may_replicate = "may_replicate" in self.flags
        self.allow_busy = "allow_busy" in self.flags
        self.subcommands: dict[bytes, Command] = {
            name.partition("|")[2].encode(): Command(subcommand, version, self)
            for name, subcommand in declaration.subcommands.items()
            if version.has(subcommand.since, subcommand.valkey_since)
        }

    def __repr__(self) -> str:
        return f"<Command {self.name}>"


def _container(*_: object) -> None:
    raise AssertionError("a container's arity lets no call through without a subcommand")


class CommandTable:
    """Every command of *version*, by its lower-case name."""

    __slots__ = ("commands", "version")

    def __init__(self, version: ServerVersion) -> None:
        self.version = version
        self.commands: dict[bytes, Command] = {
            name.encode(): Command(declaration, version)
            for name, declaration in DECLARATIONS.items()
            if version.has(declaration.since, declaration.valkey_since)
        }

    @staticmethod
    @lru_cache
    def for_version(version: ServerVersion) -> CommandTable:
        """The table of *version*; the same one at every call."""
        return CommandTable(version)

    def lookup(self, name: bytes) -> Command | None:
        """The command called *name*, in any case; None if this version has none."""
        return self.commands.get(name.lower())
