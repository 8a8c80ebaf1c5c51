"""SCAN and its relatives: cursors, options, one step of an iteration.

The cursors are those of :class:`~miniredis.structures.bucket_index.BucketIndex`: stateless, and every element that is
there from the first call to the last is returned, whatever happens in between. HSCAN, SSCAN and ZSCAN use it so::

    cursor = scan_cursor(client, argv[2])
    value = client.db.read_as(argv[1], Hash)
    if value is None:
        return scan_reply(0, [])  # an option may be wrong: Redis does not look
    options = parse_scan_options(client, argv, 3)
    cursor, fields = value.index().scan(cursor, options.count)  # or everything and 0, if the encoding is a small one
    return scan_reply(cursor, [item for field in options.filter(fields) for item in (field, value[field])])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Error, Reply
from miniredis.structures.glob import Matcher, compile_glob
from miniredis.structures.numbers import parse_integer
from miniredis.structures.whole_text import WholeText

_UINT64: Final = 1 << 64
_UNSIGNED: Final = WholeText(rb"[ \t\n\v\f\r]*([+-]?)0*([0-9]{1,20})")
_NAMES_ONLY: Final = {b"NOVALUES": b"HSCAN", b"NOSCORES": b"ZSCAN"}
"""The options that leave out what belongs to the names, and the command of each: Redis has the first, Valkey both."""

_TYPES: Final = (b"string", b"list", b"set", b"zset", b"hash", b"stream")


@record
class ScanOptions:
    """What follows the cursor. ``matcher`` and ``type`` are None when everything matches."""

    count: int = 10
    matcher: Matcher | None = None
    type: bytes | None = None
    names_only: bool = False

    def filter(self, names: Iterable[bytes]) -> Iterable[bytes]:
        """Those of *names* that MATCH lets through."""
        return names if self.matcher is None else filter(self.matcher, names)


def scan_cursor(client: Session, text: bytes) -> int:
    """The cursor that *text* stands for. Redis reads it with C's ``strtoul``, to which -1 is the largest number; Valkey
    and Redis 8 too, unless it is a well-formed negative integer."""
    c_string = text.partition(b"\0")[0]
    version = client.engine.version
    if version.is_valkey or version.redis >= (8, 0):
        refused = (parse_integer(text) or 0) < 0
    elif c_string:
        refused = c_string[:1].isspace()
    else:
        return 0
    match = _UNSIGNED.match(c_string)
    if refused or match is None or (value := int(match[2])) >= _UINT64:
        raise Error("ERR invalid cursor")
    return -value % _UINT64 if match[1] == b"-" else value


def parse_scan_options(
    client: Session, argv: list[bytes], start: int, *, with_type: bool = False, names_only: bytes = b""
) -> ScanOptions:
    """The options from position *start* on; *with_type* allows SCAN's TYPE, *names_only* NOVALUES or NOSCORES."""
    options = ScanOptions()
    version = client.engine.version
    valkey = version.is_valkey
    names_only_options = _NAMES_ONLY if valkey else (b"NOVALUES",) if version.redis >= (7, 4) else ()
    arguments = iter(argv[start:])
    for argument in arguments:
        token = argument.upper()
        if token in names_only_options:
            if token != names_only:
                raise Error(b"ERR %b option can only be used in %b" % (token, _NAMES_ONLY[token]))
            options.names_only = True
            continue
        value = next(arguments, None)
        if value is None:
            raise errors.syntax_error()
        if token == b"COUNT":
            options.count = integer(value)
            if options.count < 1:
                raise errors.syntax_error()
        elif token == b"MATCH":
            options.matcher = None if value == b"*" else compile_glob(value)
        elif token == b"TYPE" and with_type:
            options.type = value.lower()
            if valkey and options.type not in _TYPES:
                raise Error(b"ERR unknown type name '%b'" % errors.until_nul(value))
        else:
            raise errors.syntax_error()
    return options


def scan_reply(cursor: int, items: Iterable[Reply]) -> Reply:
    """The reply of one step: where to go on, and what was found."""
    return [b"%d" % cursor, list(items)]
