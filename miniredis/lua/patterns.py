"""Lua's patterns.

Everything in a pattern that repeats is a single character class, and all is tried in an order that regular expressions
share: so nearly every pattern has a regular expression that matches the very same, at the speed of C. Those that have
none (``%b``, and whatever is malformed, which Lua only notices when matching gets there) are matched here, step by
step, as PUC's ``lstrlib.c`` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

MAXIMUM_CAPTURES: Final = 32
POSITION: Final = -2
"""The length of a capture that is a position."""
UNFINISHED: Final = -1

SPECIALS: Final = frozenset(b"^$*+?.([%-")

_SPACE: Final = frozenset(b" \t\n\v\f\r")
_DIGITS: Final = frozenset(b"0123456789")
_LOWER: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_UPPER: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PRINTED: Final = frozenset(range(33, 127))
_ALL: Final = frozenset(range(256))
_LETTERS: Final[dict[int, frozenset[int]]] = {
    ord("a"): _LOWER | _UPPER,
    ord("c"): frozenset(range(32)) | {127},
    ord("d"): _DIGITS,
    ord("l"): _LOWER,
    ord("p"): _PRINTED - _LOWER - _UPPER - _DIGITS,
    ord("s"): _SPACE,
    ord("u"): _UPPER,
    ord("w"): _LOWER | _UPPER | _DIGITS,
    ord("x"): _DIGITS | frozenset(b"abcdefABCDEF"),
    ord("z"): frozenset((0,)),
}
CLASSES: Final = {**_LETTERS, **{letter - 32: _ALL - members for letter, members in _LETTERS.items()}}


class PatternError(Exception):
    """A mistake in a pattern, in Lua's words."""


class Match:
    """Where a pattern matched. *capture* tells what its captures hold, none of them where the pattern has none."""

    __slots__ = ("_capture", "end", "start")

    def __init__(self, start: int, end: int, capture: Callable[[], Iterable[bytes | float | None]]) -> None:
        self.start = start
        self.end = end
        self._capture = capture

    @property
    def captures(self) -> list[bytes | float]:
        """What the captures hold. Raises :class:`PatternError` if one of them was never closed."""
        return [_closed(each) for each in self._capture()]

    def capture(self, number: int) -> bytes | float | None:
        """What the capture with that number holds, counted from 1; None for the first if there is none at all.

        Raises :class:`PatternError` if there is no such, or it was never closed.
        """
        held = list(self._capture())
        if number > len(held):
            if number > 1:
                raise PatternError("invalid capture index")
            return None
        return _closed(held[number - 1])


def _closed(held: bytes | float | None) -> bytes | float:
    if held is None:
        raise PatternError("unfinished capture")
    return held


class Pattern:
    """A pattern ready to be matched. *anchored*: it begins with ``^``."""

    def __init__(self, pattern: bytes) -> None:
        pattern = pattern.partition(b"\0")[0]  # where C's text ends
        self.anchored = pattern[:1] == b"^"
        self._pattern = pattern[1:] if self.anchored else pattern
        self._positions: list[bool] = []
        self._regex = self._translate()

    def _translate(self) -> re.Pattern[bytes] | None:
        try:
            expression, self._positions = _Translator(self._pattern).run()
            return re.compile(expression, re.DOTALL)
        except (PatternError, re.error, OverflowError):
            return None

    def search(self, subject: bytes, start: int) -> Match | None:
        """The first match from *start* on (at *start* only, where anchored). Raises :class:`PatternError`."""
        if self._regex is not None:
            found = self._regex.match(subject, start) if self.anchored else self._regex.search(subject, start)
            return None if found is None else self._from_regex(found)
        for at in range(start, start + 1 if self.anchored else len(subject) + 1):
            matcher = _Matcher(subject, self._pattern)
            end = matcher.match(at, 0)
            if end is not None:
                return Match(at, end, matcher.captured)
        return None

    def _from_regex(self, found: re.Match[bytes]) -> Match:
        if True not in self._positions:
            return Match(found.start(), found.end(), found.groups)
        return Match(found.start(), found.end(), lambda: self._captures(found))

    def _captures(self, found: re.Match[bytes]) -> Iterator[bytes | float]:
        for number, is_position in enumerate(self._positions, 1):
            yield float(found.start(number) + 1) if is_position else found[number]


@lru_cache(maxsize=512)
def pattern(text: bytes) -> Pattern:
    """The pattern of that *text*."""
    return Pattern(text)


class _Translator:
    """Writes the regular expression of a pattern. Raises :class:`PatternError` for one that has none."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._parts: list[bytes] = []
        self._positions: list[bool] = []
        self._open: list[int] = []

    def run(self) -> tuple[bytes, list[bool]]:
        text, at = self._text, 0
        while at < len(text):
            at = self._item(at)
        if self._open:
            raise PatternError("unfinished capture")
        return b"".join(self._parts), self._positions

    def _item(self, at: int) -> int:
        text = self._text
        byte = text[at]
        if byte == ord("("):
            if len(self._positions) == MAXIMUM_CAPTURES:
                raise PatternError("too many captures")
            if text[at + 1 : at + 2] == b")":
                self._positions.append(True)
                self._parts.append(b"()")
                return at + 2
            self._positions.append(False)
            self._open.append(len(self._positions))
            self._parts.append(b"(")
            return at + 1
        if byte == ord(")"):
            if not self._open:
                raise PatternError("invalid pattern capture")
            self._open.pop()
            self._parts.append(b")")
            return at + 1
        if byte == ord("$") and at + 1 == len(text):
            self._parts.append(b"\\Z")
            return at + 1
        if byte == ord("%") and at + 1 < len(text):
            following = text[at + 1]
            if following == ord("b"):
                raise PatternError("no regular language")
            if following == ord("f"):
                return self._frontier(at + 2)
            if following in _DIGITS:
                return self._back_reference(following - ord("0"), at + 2)
        members, at = class_at(text, at)
        self._parts.append(_class_expression(members))
        if at < len(text) and text[at] in b"*+?-":
            self._parts.append({ord("-"): b"*?"}.get(text[at], text[at : at + 1]))
            at += 1
        return at

    def _frontier(self, at: int) -> int:
        if self._text[at : at + 1] != b"[":
            raise PatternError("missing '[' after '%f' in pattern")
        members, at = class_at(self._text, at)
        inside, outside = _class_expression(members), _class_expression(_ALL - members)
        if 0 in members:  # what is before the beginning and after the end counts as \0
            self._parts.append(b"(?<=%b)(?:(?=%b)|\\Z)" % (outside, inside))
        else:
            self._parts.append(b"(?<!%b)(?=%b)" % (inside, inside))
        return at

    def _back_reference(self, number: int, at: int) -> int:
        if not 1 <= number <= len(self._positions) or number in self._open or self._positions[number - 1]:
            raise PatternError("invalid capture index")
        self._parts.append(b"(?:\\%d)" % number)
        return at


def class_at(text: bytes, at: int) -> tuple[frozenset[int], int]:
    """The bytes that the single class at *at* matches, and where it ends. Raises :class:`PatternError`."""
    byte = text[at]
    if byte == ord("%"):
        if at + 1 >= len(text):
            raise PatternError("malformed pattern (ends with '%')")
        return CLASSES.get(text[at + 1], frozenset((text[at + 1],))), at + 2
    if byte == ord("["):
        return _set_at(text, at + 1)
    return (_ALL if byte == ord(".") else frozenset((byte,))), at + 1


def _set_at(text: bytes, at: int) -> tuple[frozenset[int], int]:
    negated = text[at : at + 1] == b"^"
    at += negated
    first = at
    members: set[int] = set()
    while True:
        if at >= len(text):
            raise PatternError("malformed pattern (missing ']')")
        byte = text[at]
        if byte == ord("]") and at > first:
            break
        if byte == ord("%"):
            if at + 1 >= len(text):
                raise PatternError("malformed pattern (missing ']')")
            members |= CLASSES.get(text[at + 1], frozenset((text[at + 1],)))
            at += 2
        elif text[at + 1 : at + 2] == b"-" and at + 2 < len(text) and text[at + 2] != ord("]"):
            members |= set(range(byte, text[at + 2] + 1))
            at += 3
        else:
            members.add(byte)
            at += 1
    return (_ALL - members if negated else frozenset(members)), at + 1


@lru_cache(maxsize=512)
def _class_expression(members: frozenset[int]) -> bytes:
    if len(members) == 256:
        return b"."
    if not members:
        return b"[^\\x00-\\xff]"
    if len(members) == 1:
        return b"\\x%02x" % next(iter(members))
    ranges: list[list[int]] = []
    for byte in sorted(members):
        if ranges and ranges[-1][1] == byte - 1:
            ranges[-1][1] = byte
        else:
            ranges.append([byte, byte])
    return b"[%b]" % b"".join(b"\\x%02x-\\x%02x" % (first, last) for first, last in ranges)


class _Matcher:
    """One attempt, step by step."""

    def __init__(self, subject: bytes, text: bytes) -> None:
        self._subject = subject
        self._text = text
        self._starts: list[int] = []
        self._lengths: list[int] = []

    def captured(self) -> Iterator[bytes | float | None]:
        """What the captures hold after a match; None for those that were never closed."""
        for start, length in zip(self._starts, self._lengths, strict=True):
            if length == POSITION:
                yield float(start + 1)
            elif length == UNFINISHED:
                yield None
            else:
                yield self._subject[start : start + length]

    def match(self, at: int, place: int) -> int | None:
        """Match the pattern from *place* on with the subject from *at* on; where the match ends."""
        subject, text = self._subject, self._text
        while place < len(text):
            byte = text[place]
            following = text[place + 1 : place + 2]
            if byte == ord("("):
                if following == b")":
                    return self._begin_capture(at, place + 2, POSITION)
                return self._begin_capture(at, place + 1, UNFINISHED)
            if byte == ord(")"):
                return self._end_capture(at, place + 1)
            if byte == ord("$") and place + 1 == len(text):
                return at if at == len(subject) else None
            if byte == ord("%") and following == b"b":
                after = self._balanced(at, place + 2)
                if after is None:
                    return None
                at, place = after, place + 4
                continue
            if byte == ord("%") and following == b"f":
                place += 2
                if text[place : place + 1] != b"[":
                    raise PatternError("missing '[' after '%f' in pattern")
                members, end = class_at(text, place)
                before = subject[at - 1] if at else 0
                now = subject[at] if at < len(subject) else 0
                if before in members or now not in members:
                    return None
                place = end
                continue
            if byte == ord("%") and following and following[0] in _DIGITS:
                after = self._again(at, following[0])
                if after is None:
                    return None
                at, place = after, place + 2
                continue
            members, end = class_at(text, place)
            matches = at < len(subject) and subject[at] in members
            suffix = text[end : end + 1]
            if suffix == b"?":
                if matches and (found := self.match(at + 1, end + 1)) is not None:
                    return found
                place = end + 1
            elif suffix in (b"*", b"+"):
                return self._longest(at, members, end + 1, 1 if suffix == b"+" else 0)
            elif suffix == b"-":
                return self._shortest(at, members, end + 1)
            elif matches:
                at, place = at + 1, end
            else:
                return None
        return at

    def _longest(self, at: int, members: frozenset[int], place: int, least: int) -> int | None:
        subject = self._subject
        end = at
        while end < len(subject) and subject[end] in members:
            end += 1
        for stop in range(end, at + least - 1, -1):
            found = self.match(stop, place)
            if found is not None:
                return found
        return None

    def _shortest(self, at: int, members: frozenset[int], place: int) -> int | None:
        subject = self._subject
        while True:
            found = self.match(at, place)
            if found is not None:
                return found
            if at >= len(subject) or subject[at] not in members:
                return None
            at += 1

    def _begin_capture(self, at: int, place: int, length: int) -> int | None:
        if len(self._starts) >= MAXIMUM_CAPTURES:
            raise PatternError("too many captures")
        self._starts.append(at)
        self._lengths.append(length)
        count = len(self._starts)
        found = self.match(at, place)
        if found is None:
            del self._starts[count - 1 :], self._lengths[count - 1 :]
        return found

    def _end_capture(self, at: int, place: int) -> int | None:
        for number in reversed(range(len(self._starts))):
            if self._lengths[number] == UNFINISHED:
                break
        else:
            raise PatternError("invalid pattern capture")
        self._lengths[number] = at - self._starts[number]
        found = self.match(at, place)
        if found is None:
            self._lengths[number] = UNFINISHED
        return found

    def _balanced(self, at: int, place: int) -> int | None:
        subject, text = self._subject, self._text
        if place + 1 >= len(text):
            raise PatternError("unbalanced pattern")
        if at >= len(subject) or subject[at] != text[place]:
            return None
        depth = 1
        for end in range(at + 1, len(subject)):
            if subject[end] == text[place + 1]:
                depth -= 1
                if not depth:
                    return end + 1
            elif subject[end] == text[place]:
                depth += 1
        return None

    def _again(self, at: int, digit: int) -> int | None:
        number = digit - ord("1")
        if not 0 <= number < len(self._starts) or self._lengths[number] == UNFINISHED:
            raise PatternError("invalid capture index")
        start, length = self._starts[number], max(self._lengths[number], 0)
        text = self._subject[start : start + length]
        return at + length if self._subject.startswith(text, at) else None
