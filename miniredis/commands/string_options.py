"""The options of SET, MSETEX and GETEX, and the times that they and the EXPIRE family take."""

from __future__ import annotations

from enum import Enum
from typing import Final

from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.values import Value, is_string, string_bytes
from miniredis.resp.types import Argv
from miniredis.structures.numbers import INT64_MAX


class Condition(Enum):
    """When SET stores: always, only a new key, only an existing key, only one with a certain value."""

    ALWAYS = "always"
    NX = "nx"
    XX = "xx"
    IFEQ = "ifeq"


@record
class SetOptions:
    """SET's options. ``expire_at`` is in milliseconds since the epoch, as it was written if ``pxat`` is set."""

    condition: Condition = Condition.ALWAYS
    comparison: bytes = b""
    get: bool = False
    keep_ttl: bool = False
    expire_at: int | None = None
    pxat: bool = False

    def allow(self, old: Value | None) -> bool:
        """Whether the condition is met where *old* is at the key. Raises ``WRONGTYPE`` if it cannot be compared."""
        if self.condition is Condition.ALWAYS:
            return True
        if self.condition is not Condition.IFEQ:
            return (old is None) is (self.condition is Condition.NX)
        if old is not None and not is_string(old):
            raise errors.wrong_type()
        return old is not None and string_bytes(old) == self.comparison


@record
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


UNITS: Final = {
    b"EX": (False, False),
    b"PX": (True, False),
    b"EXAT": (False, True),
    b"PXAT": (True, True),
}
"""Token to (in milliseconds, since the epoch)."""


def parse_set_options(
    client: Session, argv: list[bytes], start: int = 3, command: bytes = b"set", *, of_one_key: bool = True
) -> SetOptions:
    """The options of ``SET key value …``, or another *command*, from *start* on; GET and IFEQ are for *of_one_key*.

    One that contradicts another is a syntax error, a repeated one is not.
    """
    options = SetOptions()
    unit = b""
    amount = b""
    position = start
    while position < len(argv):
        token = argv[position].upper()
        if token == b"NX" and options.condition in (Condition.ALWAYS, Condition.NX):
            options.condition = Condition.NX
        elif token == b"XX" and options.condition in (Condition.ALWAYS, Condition.XX):
            options.condition = Condition.XX
        elif (
            token == b"IFEQ"
            and of_one_key
            and client.engine.version.is_valkey
            and options.condition is Condition.ALWAYS
            and position + 1 < len(argv)
        ):
            options.condition, options.comparison = Condition.IFEQ, argv[position + 1]
            position += 1
        elif token == b"GET" and of_one_key:
            options.get = True
        elif token == b"KEEPTTL" and not unit:
            options.keep_ttl = True
        elif token in UNITS and not options.keep_ttl and unit in (b"", token) and position + 1 < len(argv):
            unit, amount = token, argv[position + 1]
            position += 1
        else:
            raise errors.syntax_error()
        position += 1
    if unit:
        milliseconds, absolute = UNITS[unit]
        options.pxat = milliseconds and absolute
        options.expire_at = expire_time(client, amount, command, milliseconds=milliseconds, absolute=absolute)
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
        elif token in UNITS and not options.persist and unit in (b"", token) and position + 1 < len(argv):
            unit, options.amount = token, argv[position + 1]
            options.milliseconds, options.absolute = UNITS[token]
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


def with_end(options: list[bytes], when: int) -> list[bytes | int]:
    """*options* as replicas are told them: with the moment *when* for the last time in them, which is the one that
    counts. One that is a moment already stays as it was written."""
    position = max(at for at, word in enumerate(options) if word.upper() in UNITS)
    if options[position].upper() == b"PXAT":
        return [*options]
    return [*options[:position], b"PXAT", when, *options[position + 2 :]]


def set_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """SET's key, which is read as well as written when GET is among the options."""
    reads = any(argument.upper() == b"GET" for argument in argv[3:])
    return [(1, ("RW", "access", "update") if reads else ("OW", "update"))]


def remove_expired(client: Session, key: bytes) -> None:
    """Remove *key*, which a command has given a time that is past. Redis calls this a deletion, Valkey an expiry."""
    db = client.db
    db.delete(key)
    propagation.rewrite(client, b"UNLINK" if client.engine.config.lazyfree_lazy_expire else b"DEL", key)
    if client.engine.version.is_valkey:
        db.changed(key, notifications.EXPIRED, b"expired")
    else:
        db.changed(key, notifications.GENERIC, b"del")
