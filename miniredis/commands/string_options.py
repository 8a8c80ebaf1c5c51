"""The options of SET and GETEX, and the times that they and the EXPIRE family take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from miniredis.engine import errors, notifications
from miniredis.engine.arguments import integer
from miniredis.engine.keyspace import Database
from miniredis.engine.session import Session
from miniredis.resp.types import Argv
from miniredis.structures.numbers import INT64_MAX


class Condition(Enum):
    """When SET stores: always, only a new key, only an existing key."""

    ALWAYS = "always"
    NX = "nx"
    XX = "xx"


@dataclass(slots=True)
class SetOptions:
    """SET's options. ``expire_at`` is in milliseconds since the epoch."""

    condition: Condition = Condition.ALWAYS
    get: bool = False
    keep_ttl: bool = False
    expire_at: int | None = None


@dataclass(slots=True)
class Expiration:
    """An expiration as it was written: *amount* of seconds or milliseconds, from now or since the epoch; or PERSIST."""

    amount: bytes | None = None
    milliseconds: bool = False
    absolute: bool = False
    persist: bool = False

    def check(self, client: Session) -> int | None:
        """The millisecond since the epoch that is meant, if any; raises GETEX's error for a bad one."""
        if self.amount is None:
            return None
        return expire_time(client, self.amount, b"getex", milliseconds=self.milliseconds, absolute=self.absolute)


_UNITS: Final = {
    b"EX": (False, False),
    b"PX": (True, False),
    b"EXAT": (False, True),
    b"PXAT": (True, True),
}
"""Token to (in milliseconds, since the epoch)."""


def parse_set_options(client: Session, argv: list[bytes]) -> SetOptions:
    """The options of ``SET key value …``. One that contradicts another is a syntax error, a repeated one is not."""
    options = SetOptions()
    unit = b""
    amount = b""
    position = 3
    while position < len(argv):
        token = argv[position].upper()
        if token == b"NX" and options.condition is not Condition.XX:
            options.condition = Condition.NX
        elif token == b"XX" and options.condition is not Condition.NX:
            options.condition = Condition.XX
        elif token == b"GET":
            options.get = True
        elif token == b"KEEPTTL" and not unit:
            options.keep_ttl = True
        elif token in _UNITS and not options.keep_ttl and unit in (b"", token) and position + 1 < len(argv):
            unit, amount = token, argv[position + 1]
            position += 1
        else:
            raise errors.syntax_error()
        position += 1
    if unit:
        milliseconds, absolute = _UNITS[unit]
        options.expire_at = expire_time(client, amount, b"set", milliseconds=milliseconds, absolute=absolute)
    return options


def parse_getex_options(argv: list[bytes]) -> Expiration:
    """The options of ``GETEX key …``."""
    options = Expiration()
    unit = b""
    position = 2
    while position < len(argv):
        token = argv[position].upper()
        if token == b"PERSIST" and not unit:
            options.persist = True
        elif token in _UNITS and not options.persist and unit in (b"", token) and position + 1 < len(argv):
            unit, options.amount = token, argv[position + 1]
            options.milliseconds, options.absolute = _UNITS[token]
            position += 1
        else:
            raise errors.syntax_error()
        position += 1
    return options


def expire_time(client: Session, text: bytes, command: bytes, *, milliseconds: bool, absolute: bool) -> int:
    """The millisecond since the epoch that *text* names; *command* is named in the error for a time out of range."""
    amount = integer(text)
    if amount <= 0:
        raise errors.invalid_expire(command)
    if not milliseconds:
        amount *= 1000
    if not absolute:
        amount += client.engine.now
    if amount > INT64_MAX:
        raise errors.invalid_expire(command)
    return amount


def set_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """SET's key, which is read as well as written when GET is among the options."""
    reads = any(argument.upper() == b"GET" for argument in argv[3:])
    return [(1, ("RW", "access", "update") if reads else ("OW", "update"))]


def remove_expired(db: Database, key: bytes) -> None:
    """Remove *key*, which a command has given a time that is past. Redis calls this a deletion, Valkey an expiry."""
    db.delete(key)
    if db.engine.version.is_valkey:
        db.changed(key, notifications.EXPIRED, b"expired")
    else:
        db.changed(key, notifications.GENERIC, b"del")
