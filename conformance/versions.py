"""Which versions give which reply: the conditions under which a recorded reply holds, and the order of versions.

The rule of this file: versions are compared by what one inherited from another. Valkey went on from Redis 7.2, so what
Redis had changed by then (``since redis-7.2``) holds for every Valkey, what Redis changed later for none of them, and
what Valkey changed for no Redis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FORKED_AT: Final = (7, 2)
"""The series of Redis that Valkey went on from."""

VERSION: Final = re.compile(r"(redis|valkey)-(\d+(?:\.\d+)*)")
CONDITION: Final = re.compile(r"(?:resp([23]))?(?:(?:^|(?<=\d) )(since|before) (\S+))?")


@dataclass(frozen=True)
class Version:
    """A version of Redis or Valkey. ``redis-7.0`` stands for all of that series."""

    family: str
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``redis-7.0`` or ``valkey-9.1.2``. Raises ``ValueError`` for anything else."""
        match = VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"no version (redis-7.0, valkey-9.1): {text!r}")
        return cls(match[1], tuple(map(int, match[2].split("."))))

    @property
    def series(self) -> Version:
        """Of ``redis-7.0.15``: ``redis-7.0``."""
        return Version(self.family, self.numbers[:2])

    def inherits(self, change: Version) -> bool:
        """Whether what began with the version *change* holds for this one."""
        if self.family == change.family:
            return self.numbers >= change.numbers
        return change.family == "redis" and change.numbers <= FORKED_AT

    def __str__(self) -> str:
        return f"{self.family}-" + ".".join(map(str, self.numbers))


@dataclass(frozen=True)
class Condition:
    """When a recorded reply holds: in which protocol, from which version on, up to which. Empty: always."""

    protocol: int | None = None
    since: Version | None = None
    before: Version | None = None

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read ``resp3``, ``since redis-7.2``, ``before redis-7.0`` or ``resp2 since valkey-9.1``.

        Raises ``ValueError`` for anything else.
        """
        match = CONDITION.fullmatch(text)
        if not text or match is None:
            raise ValueError(f"no condition (resp3, since redis-7.2, resp3 since valkey-9.1, …): {text!r}")
        version = Version.parse(match[3]) if match[3] else None
        since, before = (version if match[2] == word else None for word in ("since", "before"))
        return cls(int(match[1]) if match[1] else None, since, before)

    def holds(self, version: Version, protocol: int) -> bool:
        """Whether it is fulfilled by that server, asked in that protocol."""
        return (
            self.protocol in (None, protocol)
            and (self.since is None or version.inherits(self.since))
            and (self.before is None or not version.inherits(self.before))
        )

    @property
    def change(self) -> str:
        """The version part of it: ``since redis-7.2``; empty if it depends on the protocol alone."""
        return f"since {self.since}" if self.since else f"before {self.before}" if self.before else ""

    def __str__(self) -> str:
        return " ".join(filter(None, (f"resp{self.protocol}" if self.protocol else "", self.change)))


ALWAYS: Final = Condition()

ENCODING_CHANGES: Final[dict[tuple[bytes, object, object], Condition]] = {
    (b"list", b"quicklist", b"listpack"): Condition(since=Version("redis", (7, 2))),
    (b"set", b"hashtable", b"listpack"): Condition(since=Version("redis", (7, 2))),
    (b"string", b"raw", b"embstr"): Condition(since=Version("valkey", (9, 1))),
}
"""Type, encoding before, encoding after → since when small values of the type are kept in that way.

Replies declare themselves, by the variants that are recorded; this is for the datasets, which scenarios leave behind.
"""


def encoding_change(type_name: bytes, encodings: tuple[object, object], versions: tuple[Version, Version]) -> str:
    """Since when the two encodings of one value are right for these versions: ``since redis-7.2``; or nothing."""
    for before in (0, 1):
        change = ENCODING_CHANGES.get((type_name, encodings[before], encodings[1 - before]))
        if change is not None and change.holds(versions[1 - before], 2) and not change.holds(versions[before], 2):
            return change.change
    return ""
