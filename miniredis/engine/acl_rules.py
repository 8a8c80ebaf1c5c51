"""Rules about commands, keys, channels and databases: what ``+get``, ``~cache:*`` and their like mean, one by one.

The rule of this file: a :class:`Selector` is a set of permissions that grants a command only as a whole (command, keys,
channels and database). It is changed by one rule at a time, written as in ACL SETUSER, and can be written down as rules
that make the same selector again. Who has which selectors is said in :mod:`miniredis.engine.acl_users`.

How the permissions for commands are written down changed in Redis 7.2. Since then the rules are kept as they were
given, without those that a later one has made superfluous. Before, they are found anew: the categories that fit best,
then what differs command by command, in the order of the command table (Redis has it in that of a hash table).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

from miniredis.engine.errors import until_nul
from miniredis.engine.table import CATEGORIES, Command, CommandTable
from miniredis.engine.version import ServerVersion
from miniredis.structures.glob import compile_glob
from miniredis.structures.numbers import parse_integer

READ: Final = 1
WRITE: Final = 2

SPACES: Final = frozenset(b" \t\n\v\f\r\0")

UNKNOWN: Final = "Unknown command or category name in ACL"
SYNTAX: Final = "Syntax error"
AFTER_ALL_KEYS: Final = (
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try"
    " 'resetkeys' to start with an empty list of patterns"
)
AFTER_ALL_CHANNELS: Final = (
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try"
    " 'resetchannels' to start with an empty list of channels"
)
FIRST_ARGUMENT_OF_SUBCOMMAND: Final = "Allowing first-arg of a subcommand is not supported"
DATABASE_OUT_OF_RANGE: Final = "The provided database ID is out of range"


class RuleError(Exception):
    """A rule that cannot be obeyed. The message is Redis's."""


class Surroundings(Protocol):
    """What rules depend on besides themselves."""

    version: ServerVersion
    all_channels_by_default: bool


def has_spaces(text: bytes) -> bool:
    """Whether *text* holds what would break the lines of an ACL file."""
    return not SPACES.isdisjoint(text)


@lru_cache(maxsize=1024)
def matcher(pattern: bytes) -> Callable[[bytes], bool]:
    """Whether a key or channel matches *pattern*."""
    return compile_glob(pattern)


class Selector:
    """What may be done together. A new one permits nothing.

    - *commands*: the full names of the permitted commands; *all_commands*: there is no need to look.
    - *future_commands*: whether the rules begin with ``+@all``, not with ``-@all``.
    - *first_arguments*: those with which a command is permitted that otherwise is not (``+select|0``).
    - *keys*: patterns with what they permit, a combination of :data:`READ` and :data:`WRITE`; *channels*: patterns.
    - *databases*: the permitted ones, None for all.
    """

    __slots__ = (
        "_rules",
        "_surroundings",
        "_table",
        "all_channels",
        "all_commands",
        "all_keys",
        "channels",
        "commands",
        "databases",
        "first_arguments",
        "future_commands",
        "keys",
    )

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._table = CommandTable.for_version(surroundings.version)
        self._rules: list[bytes] = []
        self.commands: set[str] = set()
        self.all_commands = False
        self.future_commands = False
        self.first_arguments: dict[str, list[bytes]] = {}
        self.keys: dict[bytes, int] = {}
        self.all_keys = False
        self.channels: dict[bytes, None] = {}
        self.all_channels = surroundings.all_channels_by_default
        self.databases: set[int] | None = None

    @property
    def is_unrestricted(self) -> bool:
        """Whether it permits everything."""
        return self.all_commands and self.all_keys and self.all_channels and self.databases is None

    def copy(self) -> Selector:
        """A selector that permits the same, to be changed on its own."""
        twin = Selector(self._surroundings)
        twin._rules = self._rules.copy()
        twin.commands = self.commands.copy()
        twin.all_commands = self.all_commands
        twin.future_commands = self.future_commands
        twin.first_arguments = {name: arguments.copy() for name, arguments in self.first_arguments.items()}
        twin.keys = self.keys.copy()
        twin.all_keys = self.all_keys
        twin.channels = self.channels.copy()
        twin.all_channels = self.all_channels
        twin.databases = None if self.databases is None else self.databases.copy()
        return twin

    # Rules

    def apply(self, rule: bytes) -> None:
        """Obey *rule*, which is not empty. Raises :class:`RuleError`; then nothing has changed."""
        word = until_nul(rule).lower()
        whole = _WHOLE_RULES.get(word)
        if whole is not None:
            whole(self)
        elif rule[:1] in (b"~", b"%"):
            self._add_key_pattern(rule)
        elif rule[:1] == b"&":
            self._add_channel_pattern(rule[1:])
        elif word[:1] in (b"+", b"-") and word[1:2] == b"@":
            self._change_category(word[2:], allow=word[:1] == b"+")
        elif word[:1] == b"+" and b"|" in word:
            self._allow_subcommand(until_nul(rule)[1:])
        elif word[:1] in (b"+", b"-"):
            self._change_command(word[1:], allow=word[:1] == b"+")
        elif self._surroundings.version.is_valkey and self._apply_database_rule(word):
            return
        else:
            raise RuleError(SYNTAX)

    def _allow_all_keys(self) -> None:
        self.all_keys = True
        self.keys.clear()

    def _reset_keys(self) -> None:
        self.all_keys = False
        self.keys.clear()

    def _allow_all_channels(self) -> None:
        self.all_channels = True
        self.channels.clear()

    def _reset_channels(self) -> None:
        self.all_channels = False
        self.channels.clear()

    def _allow_all_commands(self) -> None:
        self.commands = {command.name for command in self._table.all()}
        self.all_commands = self.future_commands = True
        self.first_arguments.clear()
        self._rules.clear()

    def _forbid_all_commands(self) -> None:
        self.commands.clear()
        self.all_commands = self.future_commands = False
        self.first_arguments.clear()
        self._rules.clear()

    def _add_key_pattern(self, rule: bytes) -> None:
        if self.all_keys:
            raise RuleError(AFTER_ALL_KEYS)
        letters, _, pattern = rule.partition(b"~")
        permissions = _permissions(letters[1:]) if letters else READ | WRITE
        if has_spaces(pattern):
            raise RuleError(SYNTAX)
        self.keys[pattern] = self.keys.get(pattern, 0) | permissions

    def _add_channel_pattern(self, pattern: bytes) -> None:
        if self.all_channels:
            raise RuleError(AFTER_ALL_CHANNELS)
        if has_spaces(pattern):
            raise RuleError(SYNTAX)
        self.channels[pattern] = None

    def _change_category(self, name: bytes, *, allow: bool) -> None:
        category = name.decode("latin-1")
        if category not in CATEGORIES:
            raise RuleError(UNKNOWN)
        self._remember(b"@" + name, allow)
        _change_category(self.commands, self._table, category, allow=allow)
        for command in self._table.all():
            if category in command.categories:
                self.first_arguments.pop(command.name, None)
        self.all_commands = self.all_commands and allow

    def _change_command(self, name: bytes, *, allow: bool) -> None:
        command = self._table.lookup_full_name(name)
        if command is None:
            raise RuleError(UNKNOWN)
        self._remember(name, allow)
        _change_command(self.commands, command, allow=allow)
        self.first_arguments.pop(command.name, None)
        self.all_commands = self.all_commands and allow

    def _allow_subcommand(self, name: bytes) -> None:
        """A subcommand or, of a command that has none, what may be its first argument."""
        before, _, last = name.rpartition(b"|")
        command = self._table.lookup_full_name(before)
        if command is None:
            raise RuleError(UNKNOWN)
        if command.parent is not None:
            raise RuleError(FIRST_ARGUMENT_OF_SUBCOMMAND)
        if not last:
            raise RuleError(SYNTAX)
        if command.subcommands:
            self._change_command(name.lower(), allow=True)
            return
        self._remember(name.lower(), allow=True)
        arguments = self.first_arguments.setdefault(command.name, [])
        if last.lower() not in map(bytes.lower, arguments):
            arguments.append(last)

    def _apply_database_rule(self, word: bytes) -> bool:
        """Obey *word* if it is one of Valkey's rules about databases."""
        if word == b"alldbs":
            self.databases = None
        elif word == b"resetdbs":
            self.databases = set()
        elif word.startswith(b"db="):
            numbers = [parse_integer(number) for number in word[3:].split(b",")]
            if None in numbers:
                raise RuleError(SYNTAX)
            if any(number < 0 or number > 0x7FFFFFFF for number in numbers if number is not None):
                raise RuleError(DATABASE_OUT_OF_RANGE)
            self.databases = {number for number in numbers if number is not None}
        else:
            return False
        return True

    def _remember(self, rule: bytes, allow: bool) -> None:
        """Keep *rule*, which makes earlier ones about the same superfluous, and those about its subcommands."""
        self._rules = [kept for kept in self._rules if kept[1:] != rule and not kept.startswith(rule + b"|", 1)]
        self._rules.append((b"+" if allow else b"-") + rule)

    # Writing down

    def describe_keys(self) -> bytes:
        """The rules about keys."""
        if self.all_keys:
            return b"~*"
        return b" ".join(_PREFIXES[permissions] + pattern for pattern, permissions in self.keys.items())

    def describe_channels(self) -> bytes:
        """The rules about channels."""
        return b"&*" if self.all_channels else b" ".join(b"&" + pattern for pattern in self.channels)

    def describe_databases(self) -> bytes:
        """The rule about databases; empty if none is permitted."""
        if self.databases is None:
            return b"alldbs"
        return b"db=" + b",".join(b"%d" % number for number in sorted(self.databases)) if self.databases else b""

    def describe_commands(self) -> bytes:
        """The rules about commands."""
        beginning = b"+@all" if self.future_commands else b"-@all"
        rules = self._rules if self._surroundings.version.redis >= (7, 2) else self._find_rules()
        return b" ".join([beginning, *rules])

    def describe(self) -> bytes:
        """All rules, as ACL LIST shows them."""
        parts = [self.describe_keys()]
        if not self.all_channels:
            parts.append(b"resetchannels")
        parts.append(self.describe_channels())
        if self.databases is not None:
            parts.append(self.describe_databases() or b"resetdbs")
        parts.append(self.describe_commands())
        return b" ".join(filter(None, parts))

    def _find_rules(self) -> list[bytes]:
        """Rules behind ``+@all`` or ``-@all`` that lead to the present permissions."""
        table, adds = self._table, not self.future_commands
        left, reached = self.commands.copy(), set[str]()
        if not adds:
            reached = {command.name for command in table.all()}
        rules: list[bytes] = []
        categories = list(CATEGORIES)
        while (best := _best_category(table, left, categories, adds=adds)) is not None:
            categories.remove(best)
            _change_category(reached, table, best, allow=adds)
            _change_category(left, table, best, allow=not adds)
            rules.append((b"+@" if adds else b"-@") + best.encode())
        for command in table.all():
            is_allowed, name = command.name in self.commands, command.name.encode()
            if is_allowed != (command.name in reached):
                _change_command(reached, command, allow=is_allowed)
                rules.append((b"+" if is_allowed else b"-") + name)
            if not is_allowed:
                rules += (b"+%b|%b" % (name, first) for first in self.first_arguments.get(command.name, ()))
        return rules


_WHOLE_RULES: Final[dict[bytes, Callable[[Selector], None]]] = {
    b"allkeys": Selector._allow_all_keys,
    b"~*": Selector._allow_all_keys,
    b"resetkeys": Selector._reset_keys,
    b"allchannels": Selector._allow_all_channels,
    b"&*": Selector._allow_all_channels,
    b"resetchannels": Selector._reset_channels,
    b"allcommands": Selector._allow_all_commands,
    b"+@all": Selector._allow_all_commands,
    b"nocommands": Selector._forbid_all_commands,
    b"-@all": Selector._forbid_all_commands,
}

_PREFIXES: Final = {READ: b"%R~", WRITE: b"%W~", READ | WRITE: b"~"}


def _permissions(letters: bytes) -> int:
    """What ``R``, ``W`` or ``RW`` stand for."""
    permissions = 0
    for letter in letters.upper():
        permission = {0x52: READ, 0x57: WRITE}.get(letter, 0)
        if not permission or permissions & permission:
            raise RuleError(SYNTAX)
        permissions |= permission
    if not permissions:
        raise RuleError(SYNTAX)
    return permissions


def _change_command(commands: set[str], command: Command, *, allow: bool) -> None:
    """Permit or forbid *command* and its subcommands in *commands*."""
    names = [command.name, *(subcommand.name for subcommand in command.subcommands.values())]
    if allow:
        commands.update(names)
    else:
        commands.difference_update(names)


def _change_category(commands: set[str], table: CommandTable, category: str, *, allow: bool) -> None:
    for command in table.all():
        if category in command.categories:
            _change_command(commands, command, allow=allow)


def _best_category(table: CommandTable, commands: set[str], categories: list[str], *, adds: bool) -> str | None:
    """Of *categories* that which describes *commands* best: more hits than misses, then fewest misses, most hits.

    A hit is a command that is permitted, or forbidden if rules are to take away.
    """
    best, best_score = None, (1 << 31, 0)
    for category in categories:
        members = [command.name in commands for command in table.all() if category in command.categories]
        hits = members.count(adds)
        misses = len(members) - hits
        if hits > misses and (misses, -hits) < best_score:
            best, best_score = category, (misses, -hits)
    return best
