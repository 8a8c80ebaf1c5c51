r"""Replies and commands the way redis-cli shows them, and back: a human reads, pastes and writes them.

The rule of this file: nothing is lost. What :func:`show` prints, :func:`parse` reads, and it is the same value again;
what :func:`show_frame` prints stands for the bytes that came, not for their meaning alone. Each type has its own form::

    OK                          a simple string               (error) ERR syntax error
    "text"                      a bulk string                 (integer) 12
    (nil)                       the protocol's own null: $-1 in RESP2, _ in RESP3
    (nil array)                 the null array *-1            (true), (false)
    (double) 1.5                                              (big number) 12345678901234567890
    (verbatim txt) "text"                                     (empty array), (empty hash), …

    1) "a"                      an array; its items, whatever they are, stand behind their numbers
    2) 1) (integer) 1
       2) "b"

    1# "field" => "value"       a map                         1~ "member"     a set
    1> "message"                a push                        1| "detail" => (integer) 1     an attribute, then
                                                              => "reply"      the reply that it belongs to

Simple strings and errors stand bare, in ASCII; what would be mistaken for something else in them (a byte that cannot be
printed, a blank at the end, a beginning like that of another form) is escaped as in a bulk string. A frame with nulls
of the other protocol, on a connection that has changed it, is followed by the line ``(in resp2)`` or ``(in resp3)``;
one that spells its value as no Redis does (``:+1``, ``$01``), by ``(bytes) "…"``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Final

from conformance.wire import Frame
from miniredis.resp import (
    NEED_MORE,
    NULL_ARRAY,
    Attribute,
    BigNumber,
    Double,
    Error,
    Pairs,
    ProtocolError,
    Push,
    Replies,
    Reply,
    ReplyDecoder,
    ReplySet,
    SimpleString,
    Verbatim,
)

COLLECTIONS: Final[dict[type, tuple[str, str]]] = {
    list: (")", "array"),
    dict: ("#", "hash"),
    Pairs: ("#", "hash"),
    ReplySet: ("~", "set"),
    Push: (">", "push"),
    Attribute: ("|", "attribute"),
}
"""redis-cli's mark behind an element's number, and its word for an empty collection."""

OF_MARK: Final[dict[str, type]] = {")": list, "#": Pairs, "~": ReplySet, ">": Push, "|": Attribute}

ANY: Final[dict[str, Reply]] = {
    "(any simple string)": SimpleString(b"any"),
    "(any bulk string)": b"any",
    "(any verbatim string)": Verbatim(b"any"),
    "(any integer)": 0,
    "(any double)": Double(b"0"),
    "(any array)": [],
    "(any hash)": {},
}
"""What a recording says instead of a reply whose type alone is to be judged: it stands for one such reply.

It agrees with others by the freedom of its command, if that has one: the words themselves loosen nothing.
"""

DEEPEST: Final = 64
"""How far into a collection of collections is shown. What lies deeper is told by the bytes alone."""

FIRST_ENTRY: Final = re.compile(r" *1([)#~>|]) ")
LIKE_ANOTHER_FORM: Final = re.compile(r'[("]| *\d+[)#~>|]|---$')
QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
QUOTED_KEY: Final = re.compile(r'(?:\(verbatim ...\) )?"(?:[^"\\]|\\.)*"')
ESCAPE: Final = re.compile(r"\\(?:x([0-9a-f]{2})|(.))")
IN_PROTOCOL: Final = re.compile(r"\(in resp([23])\)")
MOMENT: Final = re.compile(r"\(now ([+-]) (\d+) (s|ms)\)(?:-(\d+))?")

SHORT_ESCAPES: Final = {0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}
OF_SHORT_ESCAPE: Final = {text[1]: chr(byte) for byte, text in SHORT_ESCAPES.items()}


# Showing


def show(reply: Reply) -> str:
    """A reply as redis-cli prints it; several lines for a collection."""
    return "\n".join(_lines(reply))


def show_frame(frame: Frame, protocol: int) -> str:
    """The frame as it came on a connection that speaks RESP2 or RESP3: :func:`parse_frame` gives its very bytes."""
    shown = show(frame.value)
    try:
        value = parse(shown)
    except ValueError:
        pass  # The bytes tell.
    else:
        for spoken, note in ((protocol, ""), (5 - protocol, f"\n(in resp{5 - protocol})")):
            if encode(value, spoken) == frame.raw:
                return shown + note
    return f"{shown}\n(bytes) {quote_text(frame.raw)}"


def show_any(reply: Reply) -> str:
    """The entry of :data:`ANY` for replies of this type; empty if there is none."""
    return next((shown for shown, one in ANY.items() if type(one) is type(reply)), "")


def show_moment(moment: int, now: float, unit: str) -> str:
    """A moment, in seconds (``s``) or milliseconds (``ms``) since 1970, by its distance from *now* (in seconds).

    Milliseconds are rounded to tenths of a second: what is recorded twice should look the same.
    """
    distance = round(moment - now) if unit == "s" else int(round(moment - now * 1000, -2))
    return f"(now {'-' if distance < 0 else '+'} {abs(distance)} {unit})"


def _lines(reply: Reply, depth: int = 0) -> list[str]:
    if depth > DEEPEST and isinstance(reply, list | dict):
        return ["(more, nested more deeply)"]
    match reply:
        case Replies() if len(reply) == 2 and isinstance(reply[0], Attribute):
            return [*_lines(reply[0], depth + 1), *_behind("=> ", reply[1], depth)]
        case Pairs():
            return list(_collection(reply, [_entry(key, value, depth) for key, value in reply]))
        case dict():
            return list(_collection(reply, [_entry(key, value, depth) for key, value in reply.items()]))
        case list():
            return list(_collection(reply, [_lines(item, depth + 1) for item in reply]))
        case _:
            return [_scalar(reply)]


def _entry(key: Reply, value: Reply, depth: int) -> list[str]:
    shown = _lines(key, depth + 1)
    if isinstance(key, list | dict):  # No Redis has such a key; it stands on lines of its own.
        return [*shown, *_behind("=> ", value, depth)]
    return _behind(f"{shown[0]} => ", value, depth)


def _behind(words: str, reply: Reply, depth: int) -> list[str]:
    head, *rest = _lines(reply, depth + 1)
    return [words + head, *("   " + line for line in rest)]


def _collection(reply: Reply, entries: list[list[str]]) -> Iterator[str]:
    mark, name = COLLECTIONS[type(reply)]
    if not entries:
        yield f"(empty {name})"
    width = len(str(len(entries)))
    for number, (head, *rest) in enumerate(entries, 1):
        yield f"{number:>{width}}{mark} {head}"
        yield from (" " * (width + 2) + line for line in rest)


def _scalar(reply: Reply) -> str:
    match reply:
        case Error():
            return "(error) " + _bare(reply.message)
        case SimpleString():
            text = _bare(reply)
            if LIKE_ANOTHER_FORM.match(text):
                first = len(text) - len(text.lstrip(" "))
                text = f"{text[:first]}\\x{ord(text[first]):02x}{text[first + 1 :]}"
            return text or "(empty simple string)"
        case Verbatim():
            return f"(verbatim {reply.format.decode('ascii', 'replace')}) {quote_text(reply)}"
        case bytes():
            return quote_text(reply)
        case bool():
            return "(true)" if reply else "(false)"
        case BigNumber():
            return f"(big number) {int(reply)}"
        case int():
            return f"(integer) {reply}"
        case Double():
            return f"(double) {reply.text.decode()}"
        case None:
            return "(nil)"
        case _ if reply is NULL_ARRAY:
            return "(nil array)"
    return repr(reply)


def _bare(text: bytes) -> str:
    shown = "".join(map(_escape, text)).replace("=>", "\\x3d>")
    return shown[:-1] + "\\x20" if shown.endswith(" ") else shown


def quote_text(data: bytes) -> str:
    """The bytes between double quotes, escaped as redis-cli does."""
    return '"' + "".join(map(_escape, data)).replace('"', '\\"') + '"'


def quote_argument(argument: bytes) -> str:
    """The argument as it can be typed into redis-cli: bare if that is unambiguous, quoted otherwise."""
    bare = argument and all(0x21 <= byte < 0x7F and byte not in b"\"'\\" for byte in argument)
    return argument.decode("ascii") if bare else quote_text(argument)


def quote_command(argv: tuple[bytes, ...] | list[bytes]) -> str:
    """The command as one line for redis-cli."""
    return " ".join(map(quote_argument, argv))


def _escape(byte: int) -> str:
    return SHORT_ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")


# Reading back


def parse(shown: str, now: float | None = None) -> Reply:
    """The reply that :func:`show` shows so. Raises ``ValueError`` for a text that it shows for none.

    *now* is what ``(now + 10 s)`` is reckoned from, in seconds since 1970; by default it is the present.
    """
    return _parse(shown.split("\n"), time.time() if now is None else now)


def parse_frame(shown: str, protocol: int, now: float | None = None) -> Frame:
    """The frame that :func:`show_frame` shows so. Raises ``ValueError``; *now* is as in :func:`parse`."""
    text, _, note = shown.rpartition("\n")
    if note.startswith("(bytes) "):
        raw = _unquote(note.removeprefix("(bytes) "))
    elif text and (spoken := IN_PROTOCOL.fullmatch(note)):
        raw = encode(parse(text, now), int(spoken[1]))
    else:
        raw = encode(parse(shown, now), protocol)
    decoder = ReplyDecoder()
    decoder.feed(raw)
    try:
        value = decoder.next()
    except ProtocolError as error:
        raise ValueError(f"{error}: {shown!r}") from None
    if value is NEED_MORE or decoder.raw != raw:
        raise ValueError(f"not one frame: {raw!r}")
    return Frame(value, raw)


def encode(reply: Reply, protocol: int) -> bytes:
    """The frame of a *received* reply: its types are taken literally (a set is ``~`` whatever the protocol says)."""
    match reply:
        case None:
            return b"_\r\n" if protocol == 3 else b"$-1\r\n"
        case _ if reply is NULL_ARRAY:
            return b"*-1\r\n"
        case bool():
            return b"#t\r\n" if reply else b"#f\r\n"
        case int():
            return b"%b%d\r\n" % (b"(" if isinstance(reply, BigNumber) else b":", reply)
        case Double():
            return b",%b\r\n" % reply.text
        case Error():
            return b"-%b\r\n" % reply.message
        case SimpleString():
            return b"+%b\r\n" % reply
        case Verbatim():
            return b"=%d\r\n%b:%b\r\n" % (len(reply) + 4, reply.format, reply)
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case Replies():
            return b"".join(encode(item, protocol) for item in reply)
        case Pairs() | dict():
            pairs = reply if isinstance(reply, Pairs) else list(reply.items())
            mark = b"|" if isinstance(reply, Attribute) else b"%"
            items = b"".join(encode(item, protocol) for pair in pairs for item in pair)
            return b"%b%d\r\n%b" % (mark, len(pairs), items)
        case list():
            mark = b"~" if isinstance(reply, ReplySet) else b">" if isinstance(reply, Push) else b"*"
            return b"%b%d\r\n%b" % (mark, len(reply), b"".join(encode(item, protocol) for item in reply))
    raise ValueError(f"{type(reply).__name__} is nothing that is received")


def _parse(lines: list[str], now: float) -> Reply:
    match = FIRST_ENTRY.match(lines[0])
    if match is None and lines[0] != "(empty attribute)":
        if len(lines) > 1:
            raise ValueError(f"more than one line: {lines!r}")
        return _parse_scalar(lines[0], now)
    kind = OF_MARK[match[1]] if match else Attribute
    entries, rest = _entries(lines, match.start(1)) if match else ([], lines[1:])
    if kind in (Pairs, Attribute):
        pairs = Pairs(_parse_entry(entry, now) for entry in entries)
        if kind is Attribute:
            return Replies([Attribute(pairs), _parse(_without("=> ", rest), now)])
        return pairs if _needs_pairs(pairs) else dict(pairs)
    if rest:
        raise ValueError(f"no entry: {rest[0]!r}")
    return kind(_parse(entry, now) for entry in entries)


def _entries(lines: list[str], width: int) -> tuple[list[list[str]], list[str]]:
    """The lines of each numbered entry, without numbers and indentation, and the lines behind the last."""
    mark, indent = lines[0][width], " " * (width + 2)
    entries: list[list[str]] = []
    for at, line in enumerate(lines):
        if line.startswith(f"{len(entries) + 1:>{width}}{mark} "):
            entries.append([line[width + 2 :]])
        elif line.startswith(indent):
            entries[-1].append(line[width + 2 :])
        else:
            return entries, lines[at:]
    return entries, []


def _parse_entry(lines: list[str], now: float) -> tuple[Reply, Reply]:
    head = lines[0]
    if FIRST_ENTRY.match(head):
        at = next((at for at, line in enumerate(lines) if line.startswith("=> ")), None)
        if at is None:
            raise ValueError(f"a key without value: {lines!r}")
        return _parse(lines[:at], now), _parse(_without("=> ", lines[at:]), now)
    quoted = QUOTED_KEY.match(head)
    end = quoted.end() if quoted else max(head.find(" => "), 0)
    if not head.startswith(" => ", end):
        raise ValueError(f"a key without value: {head!r}")
    return _parse_scalar(head[:end], now), _parse(_without(head[: end + 4], lines), now)


def _without(words: str, lines: list[str]) -> list[str]:
    """The lines of a reply that stands behind these words."""
    if not lines or not lines[0].startswith(words) or not all(line.startswith("   ") for line in lines[1:]):
        raise ValueError(f"{words!r} is missing: {lines!r}")
    return [lines[0][len(words) :], *(line[3:] for line in lines[1:])]


def _needs_pairs(pairs: Pairs) -> bool:
    try:
        return len(dict(pairs)) < len(pairs)
    except TypeError:
        return True


def _parse_scalar(text: str, now: float) -> Reply:
    if text.startswith('"'):
        return _unquote(text)
    if not text.startswith("("):
        return SimpleString(_unescape(text))
    if text in ANY:
        return ANY[text]
    if text in CONSTANTS:
        return CONSTANTS[text]()
    if moment := MOMENT.fullmatch(text):
        then = round(now if moment[3] == "s" else now * 1000) + int(moment[1] + moment[2])
        return b"%d-%b" % (then, moment[4].encode()) if moment[4] else then
    kind, _, rest = text.partition(") ")
    match kind.removeprefix("(").split(" "):
        case ["error"]:
            return Error(_unescape(rest))
        case ["integer"]:
            return int(rest)
        case ["double"]:
            return Double(rest.encode())
        case ["big", "number"]:
            return BigNumber(rest)
        case ["verbatim", form]:
            return Verbatim(_unquote(rest), form.encode())
    raise ValueError(f"no reply is shown as {text!r}")


CONSTANTS: Final[dict[str, Callable[[], Reply]]] = {
    "(nil)": lambda: None,
    "(nil array)": lambda: NULL_ARRAY,
    "(true)": lambda: True,
    "(false)": lambda: False,
    "(empty simple string)": lambda: SimpleString(b""),
    "(empty array)": list[Reply],
    "(empty hash)": dict[Reply, Reply],
    "(empty set)": ReplySet,
    "(empty push)": Push,
}


def _unquote(text: str) -> bytes:
    if QUOTED.fullmatch(text) is None:
        raise ValueError(f"wrongly quoted: {text!r}")
    return _unescape(text[1:-1])


def _unescape(text: str) -> bytes:
    def byte(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else OF_SHORT_ESCAPE.get(match[2], match[2])

    if not text.isascii():
        raise ValueError(f"not ASCII: {text!r}")
    return ESCAPE.sub(byte, text).encode("latin-1")
