"""The kinds of values that directives have: how each is read, what is wrong with a bad one, how it is shown.

The rule of this file: a kind turns the words of one setting into a Python value and back, and knows nothing of any
single directive. Texts are ``str``; bytes that are not UTF-8 survive the way there and back as surrogates.

=====================  ==========================================================================
kind                   the value as the engine reads it
=====================  ==========================================================================
`Flag`                 ``bool``
`Integer`, `Memory`    ``int`` (bytes)
`PercentOrMemory`      ``int``: bytes, or a percentage as a negative number
`Octal`                ``int``
`Choice`               ``str``, one of the words
`Choices`              ``tuple[str, ...]``, some of the words
`Text`, `Directory`    ``str``
`Words`                ``tuple[str, ...]``
`SavePoints`           ``tuple[tuple[int, int], ...]``: (seconds, changes)
`BufferLimits`         ``dict[str, tuple[int, int, int]]``: (hard, soft, soft seconds) by client class
`OomScoreAdjValues`    ``tuple[int, int, int]``
`Percentiles`          ``tuple[float, ...]``
`EventClasses`         ``int``, the flags of :mod:`miniredis.engine.notifications`
`Address`              ``tuple[str, int] | None``: host and port of a primary
=====================  ==========================================================================
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from miniredis.engine.notifications import format_event_classes, parse_event_classes
from miniredis.engine.quoting import quote
from miniredis.structures.numbers import parse_double, parse_integer

LONG_MAX: Final = (1 << 63) - 1
LONG_MIN: Final = -(1 << 63)
INT_MAX: Final = (1 << 31) - 1
INT_MIN: Final = -(1 << 31)
UINT_MAX: Final = (1 << 32) - 1
ULONG_MAX: Final = (1 << 64) - 1

Check = Callable[[Any], "str | None"]
"""Says what is wrong with a value that has the right form; None for nothing."""

_UNITS: Final = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1 << 10,
    "m": 1000**2,
    "mb": 1 << 20,
    "g": 1000**3,
    "gb": 1 << 30,
}
_MEMORY: Final = re.compile(r"([0-9]*)(.*)", re.DOTALL)


class ConfigError(Exception):
    """A setting that Redis refuses. The message is Redis's, without an error code."""


def to_text(data: bytes) -> str:
    """*data* as the text of a directive; bytes that are not UTF-8 become surrogates."""
    return data.decode(errors="surrogateescape")


def to_bytes(text: str) -> bytes:
    """The bytes that the text of a directive stands for."""
    return text.encode(errors="surrogateescape")


def parse_memory(text: str) -> int | None:
    """A number of bytes such as ``100``, ``1k`` (1000) or ``1kb`` (1024); None for anything else.

    As Redis's ``memtoull``: no digits at all count as 0, and the result wraps at 64 bits.
    """
    found = _MEMORY.match(text)
    assert found is not None
    digits, unit = found.groups()
    factor = _UNITS.get(unit.lower())
    if factor is None or len(digits) > 127:
        return None
    return min(int(digits or "0"), ULONG_MAX) * factor & ULONG_MAX


def format_memory(value: int) -> str:
    """*value* bytes in the largest unit that divides it, as CONFIG REWRITE writes it."""
    for unit, factor in (("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)):
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return str(value)


class Kind:
    """How the words of a setting become a value. ``multiple``: a value may have several words, or none.

    ``quoted``: CONFIG REWRITE puts it in quotes.
    """

    multiple = False
    quoted = False

    def parse(self, words: Sequence[str], present: Any) -> Any:
        """The value that *words* stand for, where it was *present* before. Raises :class:`ConfigError`."""
        raise NotImplementedError

    def format(self, value: Any) -> str:
        """*value* as ``CONFIG GET`` shows it."""
        return str(value)

    def format_for_file(self, value: Any) -> str:
        """*value* as ``CONFIG REWRITE`` writes it."""
        text = self.format(value)
        return to_text(quote(to_bytes(text))) if self.quoted else text


class Flag(Kind):
    """``yes`` or ``no``."""

    def parse(self, words: Sequence[str], present: Any) -> bool:
        word = words[0].lower()
        if word not in ("yes", "no"):
            raise ConfigError("argument must be 'yes' or 'no'")
        return word == "yes"

    def format(self, value: Any) -> str:
        return "yes" if value else "no"


class _Bounded(Kind):
    def __init__(self, minimum: int, maximum: int, clamp: tuple[int, int] | None = None) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self._clamp = clamp

    def _checked(self, value: int) -> int:
        if not self.minimum <= value <= self.maximum:
            low, high = self._bound(self.minimum), self._bound(self.maximum)
            raise ConfigError(f"argument must be between {low} and {high} inclusive")
        if self._clamp is not None:
            lowest, highest = self._clamp
            return max(lowest, min(value, highest))
        return value

    def _bound(self, value: int) -> str:
        return str(value)


class Integer(_Bounded):
    """An integer from *minimum* to *maximum*; *clamp* is the narrower range that Redis quietly moves it into."""

    def parse(self, words: Sequence[str], present: Any) -> int:
        value = parse_integer(to_bytes(words[0]))
        if value is None:
            raise ConfigError("argument couldn't be parsed into an integer")
        return self._checked(value)


class Memory(_Bounded):
    """A number of bytes, with or without a unit."""

    def parse(self, words: Sequence[str], present: Any) -> int:
        value = parse_memory(words[0])
        if value is None:
            raise ConfigError("argument must be a memory value")
        return self._checked(value)

    def format_for_file(self, value: Any) -> str:
        return format_memory(value)


class PercentOrMemory(Kind):
    """A number of bytes, or a percentage, which is kept as a negative number."""

    def parse(self, words: Sequence[str], present: Any) -> int:
        word = words[0]
        if word.endswith("%"):
            percent = parse_integer(to_bytes(word[:-1]))
            if percent is None or percent < 0:
                raise ConfigError("argument must be a memory or percent value")
            if percent > 100:
                raise ConfigError("percentage argument must be less or equal to 100")
            return -percent
        value = parse_memory(word)
        if value is None:
            raise ConfigError("argument must be a memory or percent value")
        return value

    def format(self, value: Any) -> str:
        return f"{-value}%" if value < 0 else str(value)

    def format_for_file(self, value: Any) -> str:
        return format_memory(value) if value >= 0 else self.format(value)


class Octal(_Bounded):
    """Permissions, in octal digits."""

    def parse(self, words: Sequence[str], present: Any) -> int:
        if not re.fullmatch("[0-7]+", words[0]):
            raise ConfigError("argument couldn't be parsed as an octal number")
        return self._checked(int(words[0], 8))

    def format(self, value: Any) -> str:
        return f"{value:o}"

    def _bound(self, value: int) -> str:
        return f"{value:o}"


class Choice(Kind):
    """One of *words*, in any case. *synonyms* are further words and what they stand for."""

    def __init__(self, *words: str, synonyms: dict[str, str] | None = None) -> None:
        self.words = words
        self._meanings = {word.lower(): word for word in words} | (synonyms or {})

    def parse(self, words: Sequence[str], present: Any) -> Any:
        return self._one(words[0])

    def _one(self, text: str) -> str:
        word = self._meanings.get(text.lower())
        if word is None:
            raise ConfigError(f"argument(s) must be one of the following: {', '.join(self.words)}")
        return word


class Choices(Choice):
    """Any of *words* together; the first of them stands for none."""

    multiple = True

    def parse(self, words: Sequence[str], present: Any) -> tuple[str, ...]:
        chosen = {self._one(word) for word in words or [""]}
        return tuple(word for word in self.words[1:] if word in chosen)

    def format(self, value: Any) -> str:
        return " ".join(value) or self.words[0]


class Text(Kind):
    """One word, which may be empty or hold blanks."""

    quoted = True

    def parse(self, words: Sequence[str], present: Any) -> str:
        return words[0]


class Directory(Kind):
    """An existing directory, as an absolute path; a relative one is taken from the present directory."""

    quoted = True

    def parse(self, words: Sequence[str], present: Any) -> str:
        path = os.path.join(present, words[0])
        if not os.path.isdir(path):
            raise ConfigError(os.strerror(errno.ENOTDIR if os.path.exists(path) else errno.ENOENT))
        return os.path.realpath(path)


class Words(Kind):
    """Several words, at most *limit*; *too_many* is the error when there are more."""

    multiple = True

    def __init__(self, limit: int, too_many: str) -> None:
        self._limit = limit
        self._too_many = too_many

    def parse(self, words: Sequence[str], present: Any) -> tuple[str, ...]:
        if len(words) > self._limit:
            raise ConfigError(self._too_many)
        return () if list(words) == [""] else tuple(words)

    def format(self, value: Any) -> str:
        return " ".join(value)


class SavePoints(Kind):
    """Pairs of seconds and changes: to save when so many keys changed within so long."""

    multiple = True

    def parse(self, words: Sequence[str], present: Any) -> tuple[tuple[int, int], ...]:
        if list(words) == [""]:
            return ()
        if len(words) % 2:
            raise ConfigError("Invalid save parameters")
        points = []
        for seconds_text, changes_text in zip(words[::2], words[1::2], strict=True):
            seconds, changes = _c_integer(seconds_text), _c_integer(changes_text)
            if seconds is None or changes is None or seconds < 1 or changes < 0:
                raise ConfigError("Invalid save parameters")
            points.append((seconds, changes))
        return tuple(points)

    def format(self, value: Any) -> str:
        return " ".join(f"{seconds} {changes}" for seconds, changes in value)


class BufferLimits(Kind):
    """Output buffer limits by client class; a setting changes the classes that it names."""

    multiple = True

    def parse(self, words: Sequence[str], present: Any) -> dict[str, tuple[int, int, int]]:
        if len(words) % 4:
            raise ConfigError("Wrong number of arguments in buffer limit configuration.")
        limits = dict(present)
        for start in range(0, len(words), 4):
            name = words[start].lower()
            name = "slave" if name == "replica" else name
            if name not in limits:
                raise ConfigError("Invalid client class specified in buffer limit configuration.")
            hard, soft = parse_memory(words[start + 1]), parse_memory(words[start + 2])
            seconds = _c_integer(words[start + 3])
            if hard is None or soft is None or seconds is None or seconds < 0:
                raise ConfigError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            limits[name] = (hard, soft, seconds)
        return limits

    def format(self, value: Any) -> str:
        return " ".join(f"{name} {hard} {soft} {seconds}" for name, (hard, soft, seconds) in value.items())


class OomScoreAdjValues(Kind):
    """Three adjustments for the kernel: of a primary, a replica and a child that saves."""

    multiple = True

    def parse(self, words: Sequence[str], present: Any) -> tuple[int, ...]:
        if len(words) != 3:
            raise ConfigError("wrong number of arguments")
        values = tuple(_c_integer(word) for word in words)
        if any(value is None or not -2000 <= value <= 2000 for value in values):
            raise ConfigError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        return tuple(value for value in values if value is not None)

    def format(self, value: Any) -> str:
        return " ".join(map(str, value))


class Percentiles(Kind):
    """Numbers from 0 to 100, which INFO gives the latencies for."""

    multiple = True

    def parse(self, words: Sequence[str], present: Any) -> tuple[float, ...]:
        if list(words) == [""]:
            return ()
        values = []
        for word in words:
            value = parse_double(to_bytes(word))
            if value is None:
                raise ConfigError("Invalid latency-tracking-info-percentiles parameters")
            if not 0.0 <= value <= 100.0:
                raise ConfigError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
            values.append(value)
        return tuple(values)

    def format(self, value: Any) -> str:
        return " ".join(format_percentile(percentile) for percentile in value)


class EventClasses(Kind):
    """Letters that stand for classes of keyspace events."""

    quoted = True

    def parse(self, words: Sequence[str], present: Any) -> int:
        flags = parse_event_classes(words[0])
        if flags is None:
            raise ConfigError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        return flags

    def format(self, value: Any) -> str:
        return format_event_classes(value)


class Address(Kind):
    """Host and port of a primary; ``no one`` for none."""

    multiple = True

    def parse(self, words: Sequence[str], present: Any) -> tuple[str, int] | None:
        if len(words) != 2:
            raise ConfigError("wrong number of arguments")
        host, port_text = words
        if (host.lower(), port_text.lower()) == ("no", "one"):
            return None
        port = _c_integer(port_text)
        if port is None or not 0 <= port <= 65535:
            raise ConfigError("Invalid master port")
        return host, port

    def format(self, value: Any) -> str:
        return "" if value is None else f"{value[0]} {value[1]}"


def format_percentile(percentile: float) -> str:
    """A percentile as C's ``%f`` prints it, without the zeros at its end."""
    return f"{percentile:f}".rstrip("0").rstrip(".")


def _c_integer(text: str) -> int | None:
    """What C's ``strtoll`` makes of the whole of *text*: leading blanks, a sign and leading zeros are fine."""
    if not re.fullmatch(r"[ \t\n\r\v\f]*[-+]?[0-9]+", text):
        return None
    return max(LONG_MIN, min(int(text), LONG_MAX))
