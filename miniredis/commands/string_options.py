"""The options of SET, MSETEX, DELEX and GETEX, and the times that they and the EXPIRE family take."""

from __future__ import annotations

from enum import Enum
from typing import Final

from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.values import Value, is_string, string_bytes
from miniredis.engine.version import ServerVersion
from miniredis.resp.types import Argv, Error
from miniredis.structures.numbers import INT64_MAX
from miniredis.structures.xxh3 import xxh3_64


class Condition(Enum):
    """When SET stores: always, only a new key, only an existing key, or by what it holds, or the digest of that."""

    ALWAYS = "always"
    NX = "nx"
    XX = "xx"
    IFEQ = "ifeq"
    IFNE = "ifne"
    IFDEQ = "ifdeq"
    IFDNE = "ifdne"


COMPARISONS: Final = {
    b"IFEQ": Condition.IFEQ,
    b"IFNE": Condition.IFNE,
    b"IFDEQ": Condition.IFDEQ,
    b"IFDNE": Condition.IFDNE,
}
"""The conditions that compare a string with an operand, by the words that name them."""

UNLESS_EQUAL: Final = (Condition.IFNE, Condition.IFDNE)
BY_DIGEST: Final = (Condition.IFDEQ, Condition.IFDNE)
DIGEST_LENGTH: Final = 16
"""How many hexadecimal digits name a digest."""


def digest(text: bytes) -> bytes:
    """What DIGEST says of the string *text*."""
    return b"%016x" % xxh3_64(text)


def holds(condition: Condition, text: bytes, operand: bytes) -> bool:
    """Whether *condition*, one of the comparisons, is met by the string *text*.

    Raises Redis's error for a digest of another length; its digits, of either case, are not looked at further.
    """
    if condition in BY_DIGEST:
        if len(operand) != DIGEST_LENGTH:
            raise Error(f"ERR must be exactly {DIGEST_LENGTH} hexadecimal characters")
        text, operand = digest(text), operand.lower()
    return (text == operand) is (condition not in UNLESS_EQUAL)


def knows_comparison(version: ServerVersion, condition: Condition) -> bool:
    """Whether SET takes *condition*, one of the comparisons, in *version*. (Valkey, since 8.1, has one of them.)"""
    return condition is Condition.IFEQ if version.is_valkey else version.redis >= (8, 4)


@record
class SetOptions:
    """SET's options. ``comparison`` is what the condition compares with, if it does.

    ``expire_at`` is in milliseconds since the epoch, as it was written if ``pxat`` is set.
    """

    condition: Condition = Condition.ALWAYS
    comparison: bytes | None = None
    get: bool = False
    keep_ttl: bool = False
    expire_at: int | None = None
    pxat: bool = False

    def allow(self, old: Value | None) -> bool:
        """Whether the condition is met where *old* is at the key. Raises ``WRONGTYPE`` if it cannot be compared."""
        if self.condition is Condition.ALWAYS:
            return True
        if self.comparison is None:
            return (old is None) is (self.condition is Condition.NX)
        if old is None:
            return self.condition in UNLESS_EQUAL
        if not is_string(old):
            raise errors.wrong_type()
        return holds(self.condition, string_bytes(old), self.comparison)


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
    """The options of ``SET key value …``, or another *command*, from *start* on.

    GET and the comparisons are for *of_one_key*. An option that contradicts another is a syntax error, a repeated one
    is not, but for a comparison.
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
            token in COMPARISONS
            and of_one_key
            and knows_comparison(client.engine.version, COMPARISONS[token])
            and options.condition is Condition.ALWAYS
            and position + 1 < len(argv)
        ):
            options.condition, options.comparison = COMPARISONS[token], argv[position + 1]
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


def set_keys_of_8_4(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """As :func:`set_keys`, since Redis 8.4: a comparison reads the key as well, though it does not tell of it."""
    options = {argument.upper() for argument in argv[3:]}
    if b"GET" in options:
        return [(1, ("RW", "access", "update"))]
    return [(1, ("OW" if options.isdisjoint(COMPARISONS) else "RW", "update"))]


def delex_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """DELEX's key, which is read before it is removed if there is a condition."""
    compares = any(argument.upper() in COMPARISONS for argument in argv[2:])
    return [(1, ("RW" if compares else "RM", "delete"))]


def remove_expired(client: Session, key: bytes) -> None:
    """Remove *key*, which a command has given a time that is past. Redis calls this a deletion, Valkey an expiry."""
    db = client.db
    db.delete(key)
    propagation.rewrite(client, b"UNLINK" if client.engine.config.lazyfree_lazy_expire else b"DEL", key)
    if client.engine.version.is_valkey:
        client.engine.statistics.expired_keys += 1
        db.changed(key, notifications.EXPIRED, b"expired")
    else:
        db.changed(key, notifications.GENERIC, b"del")
