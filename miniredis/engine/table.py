"""The command table of one emulated version: the declarations, with what that version lacks left out.

A table is built once per version and shared by all engines; it holds facts only. What an engine counts about a command
is kept by the engine. What dispatch asks for at every request is worked out when the table is built; what ``COMMAND``
and ACL rules ask for follows from the declaration when they ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final

from miniredis.engine.command import DECLARATIONS, Declaration, GetKeys, Handler, KeySpec, Variant
from miniredis.engine.directives import ConfigError
from miniredis.engine.version import ServerVersion, parse_version
from miniredis.resp.types import Argv

if TYPE_CHECKING:
    from miniredis.engine import syntax

UNLIMITED: Final = 1 << 62

FLAGS: Final = (
    *("write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript", "blocking", "loading", "stale"),
    *("skip_monitor", "skip_slowlog", "skip_commandlog", "asking", "fast", "no_auth", "may_replicate"),
    *("no_mandatory_keys", "protected", "no_async_loading", "no_multi", "movablekeys", "allow_busy"),
)
"""Every command flag, in the order of ``COMMAND INFO``."""

CATEGORIES: Final = (
    *("keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo"),
    *("stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting"),
)
"""Every ACL category, in the order of ``COMMAND INFO`` and ``ACL CAT``."""

MAY_REPLICATE: Final = frozenset({"publish", "spublish", "eval", "evalsha", "fcall", "pfcount"})
"""What a pause of writes holds back though it is not flagged ``write``. ``COMMAND INFO`` does not show this flag."""

RUN_SCRIPTS: Final = frozenset({"eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"})
"""Commands whose script may have flags of its own, which then count in place of theirs."""

PROTECTED: Final = frozenset({"debug", "module|load", "module|loadex", "module|unload"})
"""What a directive has to permit (``enable-debug-command``). ``COMMAND INFO`` does not show this flag either."""

KeyReference = tuple[int, tuple[str, ...]]
"""Where a key stands in argv, and the key specification flags that hold there: ``(1, ("RW", "access", "update"))``."""


class Command:
    """A command as one version has it.

    *name* is in lower case, a subcommand's with its container's: ``config|get``. *minimum* and *maximum* bound the
    length of argv, the name (and subcommand) included. The flags that dispatch asks about are attributes of their
    own; all of them, in Redis's names, are in ``flags``.
    """

    __slots__ = (
        "_arguments",
        "_categories",
        "_version",
        "admin",
        "allow_busy",
        "arity",
        "blocking",
        "declaration",
        "denyoom",
        "flags",
        "get_keys",
        "handler",
        "is_deprecated",
        "is_fast",
        "is_protected",
        "is_pubsub",
        "is_readonly",
        "is_write",
        "keys",
        "maximum",
        "may_replicate",
        "minimum",
        "name",
        "no_auth",
        "no_multi",
        "noscript",
        "parent",
        "runs_script",
        "skip_monitor",
        "skip_slowlog",
        "subcommands",
        "tips",
    )

    handler: Handler

    def __init__(self, declaration: Declaration, version: ServerVersion, parent: Command | None = None) -> None:
        arity, flags, keys, tips = declaration.arity, declaration.flags, declaration.keys, declaration.tips
        get_keys = declaration.get_keys
        is_deprecated = bool(declaration.deprecated_since)
        for variant in declaration.variants:
            if _applies(variant, version):
                arity = arity if variant.arity is None else variant.arity
                flags = flags if variant.flags is None else variant.flags
                keys = keys if variant.keys is None else variant.keys
                get_keys = get_keys if variant.get_keys is None else variant.get_keys
                tips = tips if variant.tips is None else variant.tips
                is_deprecated = is_deprecated if variant.deprecated is None else variant.deprecated
        self.declaration = declaration
        self._version = version
        self.parent = parent
        self.name = declaration.name
        self.handler = declaration.handler or _container
        self.arity = arity
        self.minimum = abs(arity)
        self.maximum = arity if arity > 0 else UNLIMITED
        self.keys: tuple[KeySpec, ...] = keys
        self.tips: tuple[str, ...] = tips
        self.is_deprecated = is_deprecated
        self.get_keys: GetKeys | None = get_keys
        self.flags: tuple[str, ...] = tuple(flags.split())
        if any(spec.begin[0] != "index" or spec.find[0] != "range" for spec in keys):
            self.flags += ("movablekeys",)
        self.is_write = "write" in self.flags
        self.is_fast = "fast" in self.flags
        self.is_readonly = "readonly" in self.flags
        self.is_pubsub = "pubsub" in self.flags
        self.denyoom = "denyoom" in self.flags
        self.admin = "admin" in self.flags
        self.noscript = "noscript" in self.flags
        self.blocking = "blocking" in self.flags
        self.skip_monitor = "skip_monitor" in self.flags
        self.skip_slowlog = "skip_slowlog" in self.flags
        self.no_auth = "no_auth" in self.flags
        self.no_multi = "no_multi" in self.flags
        self.may_replicate = self.name in MAY_REPLICATE
        self.is_protected = self.name in PROTECTED
        self.runs_script = self.name in RUN_SCRIPTS
        self.allow_busy = "allow_busy" in self.flags
        self.subcommands: dict[bytes, Command] = {
            name.partition("|")[2].encode(): Command(subcommand, version, self)
            for name, subcommand in declaration.subcommands.items()
            if version.has(subcommand.since, subcommand.valkey_since)
        }
        self._categories: tuple[str, ...] | None = None
        self._arguments: tuple[syntax.Argument, ...] | None = None

    def __repr__(self) -> str:
        return f"<Command {self.name}>"

    @property
    def since(self) -> str:
        """The version that brought the command, of the numbering of the server that is emulated."""
        own = self._version.is_valkey and self.declaration.valkey_since
        return own or self.declaration.since

    @property
    def categories(self) -> tuple[str, ...]:
        """The ACL categories, without ``@``, in Redis's order."""
        if self._categories is None:
            self._categories = tuple(filter(self._derive_categories().__contains__, CATEGORIES))
        return self._categories

    def _derive_categories(self) -> set[str]:
        categories = set(self.declaration.categories.split())
        if self.is_write:
            categories.add("write")
        if self.is_readonly and "scripting" not in categories:
            categories.add("read")
        if self.admin:
            categories |= {"admin", "dangerous"}
        if self.is_pubsub:
            categories.add("pubsub")
        if self.blocking:
            categories.add("blocking")
        categories.add("fast" if "fast" in self.flags else "slow")
        return categories

    @property
    def arguments(self) -> tuple[syntax.Argument, ...]:
        """The syntax of the arguments, without those that this version does not know."""
        if self._arguments is None:
            from miniredis.engine import syntax

            declaration = self.declaration
            arguments = syntax.parse(declaration.syntax, declaration.names, declaration.details)
            self._arguments = syntax.select(arguments, self._knows)
        return self._arguments

    def _knows(self, argument: syntax.Argument) -> bool:
        if not argument.since and not argument.valkey_since:
            return True
        return self._version.has(argument.since, argument.valkey_since)

    @property
    def history(self) -> tuple[tuple[str, str], ...]:
        """What changed in which version, up to this one; Valkey's changes only where Valkey is emulated."""
        return tuple(
            (since.removeprefix("valkey "), change)
            for since, change in self.declaration.history
            if self._version.has(*(("", since[7:]) if since.startswith("valkey ") else (since,)))
        )

    @property
    def key_range(self) -> tuple[int, int, int]:
        """The positions of the first and the last key and the step between keys, as far as such a range tells.

        It is what ``COMMAND INFO`` showed before there were key specifications, which are joined here if they can be.
        """
        if len(self.keys) == 1:
            return _range_of(self.keys[0]) or (0, 0, 0)
        first = last = 0
        for begin, end, step in filter(None, map(_range_of, self.keys)):
            if step != 1 or (last and last != begin - 1):
                return (0, 0, 0)
            first = first or begin
            last = end if last >= 0 and (end < 0 or end > last) else last
        return (first, last, 1) if first else (0, 0, 0)

    @property
    def takes_keys(self) -> bool:
        """Whether the command names keys at all; what only looks like one (``not_key``, a channel) does not count."""
        return self.get_keys is not None or any("not_key" not in spec.flags for spec in self.keys)

    def keys_of(self, argv: Argv) -> list[KeyReference]:
        """The keys in *argv*; none where *argv* does not fit the command's syntax."""
        if not any("variable_flags" in spec.flags for spec in self.keys):
            found = self._keys_by_specification(argv)
            if found is not None:
                return found
        return self.get_keys(argv) if self.get_keys is not None else []

    def keys_to_track(self, argv: Argv) -> list[KeyReference]:
        """The keys in *argv* that client-side caching goes by: Redis asks ``get_keys`` first there."""
        return self.get_keys(argv) if self.get_keys is not None else self.keys_of(argv)

    def _keys_by_specification(self, argv: Argv) -> list[KeyReference] | None:
        found: list[KeyReference] = []
        for spec in self.keys:
            if "not_key" in spec.flags:
                continue
            positions = spec.positions(argv)
            if positions is None or "incomplete" in spec.flags:
                return None
            found += [(position, spec.flags) for position in positions]
        return found


def _applies(variant: Variant, version: ServerVersion) -> bool:
    if variant.valkey_since and version.is_valkey:
        return version.number >= parse_version(variant.valkey_since)
    if variant.since and not version.is_valkey:
        return version.redis >= parse_version(variant.since)
    return bool(variant.until) and version.redis < parse_version(variant.until)


def _range_of(spec: KeySpec) -> tuple[int, int, int] | None:
    match spec.begin, spec.find:
        case ("index", first), ("range", last, step, _):
            return first, last if last < 0 else first + last, step
        case _:
            return None


def _container(*_: object) -> None:
    raise AssertionError("a container's arity lets no call through without a subcommand")


class CommandTable:
    """Every command of *version*, by its lower-case name; subcommands stand in their containers."""

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

    def renamed(self, names: Mapping[bytes, bytes]) -> CommandTable:
        """A table in which commands have other names, or, for an empty one, are missing (``rename-command``).

        *names* are lower-case, applied in their order. Raises :class:`ConfigError` as Redis does.
        """
        table = CommandTable(self.version)
        for old, new in names.items():
            command = table.commands.pop(old, None)
            if command is None:
                raise ConfigError("No such command in rename-command")
            if new in table.commands:
                raise ConfigError("Target command name already exists")
            if new:
                table.commands[new] = command
        return table

    def lookup(self, name: bytes) -> Command | None:
        """The command called *name*, in any case; None if this version has none."""
        return self.commands.get(name.lower())

    def lookup_full_name(self, name: bytes) -> Command | None:
        """The command or, as ``container|subcommand``, the subcommand called *name*, in any case."""
        container, bar, subcommand = name.lower().partition(b"|")
        command = self.commands.get(container)
        if command is None or not bar:
            return command
        return command.subcommands.get(subcommand)

    def lookup_argv(self, argv: Argv) -> Command | None:
        """The command that *argv* would run: a subcommand where its second word names one."""
        command = self.lookup(argv[0])
        if command is None or not command.subcommands or len(argv) == 1:
            return command
        return command.subcommands.get(argv[1].lower())

    def all(self) -> list[Command]:
        """Every command, each container followed by its subcommands."""
        return list(chain.from_iterable((command, *command.subcommands.values()) for command in self.commands.values()))
