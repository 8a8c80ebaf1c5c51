"""Whether a user may run a command, and if not, what stands in the way.

A user may if one of its selectors permits all that the command needs: the database, the command itself, its keys and
its channels, looked at in this order. What is told, when none does, is the refusal that came furthest in it, and of
several such the one about the last argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniredis.engine.acl_rules import READ, WRITE, Selector, matcher
from miniredis.engine.record import record
from miniredis.structures.numbers import parse_integer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniredis.engine.acl_users import User
    from miniredis.engine.table import Command, KeyReference
    from miniredis.resp.types import Argv

DATABASE: Final = "database"
COMMAND: Final = "command"
KEY: Final = "key"
CHANNEL: Final = "channel"

ORDER: Final = {DATABASE: 0, COMMAND: 1, KEY: 2, CHANNEL: 3}

PERMISSIONS_OF_FLAGS: Final = {"access": READ, "insert": WRITE, "delete": WRITE, "update": WRITE}

CHANNEL_COMMANDS: Final = frozenset({"subscribe", "ssubscribe", "psubscribe", "publish", "spublish"})
"""The commands for which one needs a permission for channels. Nobody needs one to unsubscribe."""


@record
class Denial:
    """What the user lacks: *reason* as in the ACL log, and the *position* in argv of the key, channel or database."""

    reason: str
    position: int


def check(user: User, command: Command, argv: Argv, database: int) -> Denial | None:
    """Why *user* may not run *command* as *argv* in *database*; None if it may."""
    if not user.is_restricted:
        return None
    keys: list[KeyReference] | None = None
    worst = None
    for selector in user.selectors:
        if keys is None and not selector.all_keys and command.takes_keys:
            keys = command.keys_of(argv)
        denial = _check(selector, command, argv, database, keys or ())
        if denial is None:
            return None
        if worst is None or (ORDER[denial.reason], denial.position) > (ORDER[worst.reason], worst.position):
            worst = denial
    return worst


def may_access_every_key(user: User, command: Command, argv: Argv, database: int) -> bool:
    """Whether *user* may run *command* by a selector that lets it read any key: it needs some that nobody knows yet."""
    if not user.is_restricted:
        return True
    keys = command.keys_of(argv)
    return any(
        (selector.all_keys or selector.keys.get(b"*", 0) & READ)
        and _check(selector, command, argv, database, keys) is None
        for selector in user.selectors
    )


def _check(
    selector: Selector, command: Command, argv: Argv, database: int, keys: Iterable[KeyReference]
) -> Denial | None:
    if selector.databases is not None:
        for position, numbers in _databases(command, argv, database):
            if numbers is None or not selector.databases.issuperset(numbers):
                return Denial(DATABASE, position)
    if not selector.all_commands and not command.no_auth and not _permits(selector, command, argv):
        return Denial(COMMAND, 0)
    if not selector.all_keys:
        for position, flags in keys:
            needed = 0
            for flag in flags:
                needed |= PERMISSIONS_OF_FLAGS.get(flag, 0)
            if not _permits_key(selector, argv[position], needed):
                return Denial(KEY, position)
    if not selector.all_channels and command.name in CHANNEL_COMMANDS:
        last = 2 if command.name.endswith("publish") else len(argv)
        for position in range(1, last):
            if not permits_channel(selector.channels, argv[position], is_pattern=command.name == "psubscribe"):
                return Denial(CHANNEL, position)
    return None


def _permits(selector: Selector, command: Command, argv: Argv) -> bool:
    if command.name in selector.commands:
        return True
    first_arguments = selector.first_arguments.get(command.name)
    return bool(first_arguments) and len(argv) > 1 and argv[1].lower() in map(bytes.lower, first_arguments or ())


def _permits_key(selector: Selector, key: bytes, needed: int) -> bool:
    return any(
        permissions & needed == needed and matcher(pattern)(key) for pattern, permissions in selector.keys.items()
    )


def permits_channel(permitted: Iterable[bytes], channel: bytes, *, is_pattern: bool) -> bool:
    """Whether *channel* matches one of *permitted*; a pattern to subscribe to must be one of them."""
    if is_pattern:
        return channel in permitted
    return any(matcher(pattern)(channel) for pattern in permitted)


# Databases (Valkey)


def _databases(command: Command, argv: Argv, present: int) -> list[tuple[int, tuple[int, ...] | None]]:
    """The databases that *command* works on, each set of them with the position that names it; None for all.

    Numbers that are none are left to the command, which will not like them.
    """
    match command.name:
        case "select":
            return _named(argv, 1)
        case "swapdb":
            return _named(argv, 1, 2)
        case "flushall":
            return [(0, None)]
    if not (command.is_write or command.is_readonly or command.takes_keys or "keyspace" in command.categories):
        return []
    used: list[tuple[int, tuple[int, ...] | None]] = [(0, (present,))]
    match command.name:
        case "move":
            used += _named(argv, 2)
        case "copy":
            words = map(bytes.lower, argv[3:-1])
            used += _named(argv, *(position for position, word in enumerate(words, 4) if word == b"db"))
    return used


def _named(argv: Argv, *positions: int) -> list[tuple[int, tuple[int, ...] | None]]:
    numbers = [(position, parse_integer(argv[position])) for position in positions]
    if any(number is None for _, number in numbers):
        return []
    return [(position, (number,)) for position, number in numbers if number is not None and number >= 0]
