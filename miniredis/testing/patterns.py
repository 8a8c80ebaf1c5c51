"""Keys, channels and names as a test writes them: text or bytes, exactly or as a glob."""

from __future__ import annotations

from miniredis.structures.glob import Matcher, compile_glob


def text_of(name: str | bytes) -> bytes:
    """*name* as Redis has it."""
    return name.encode() if isinstance(name, str) else bytes(name)


def matcher(pattern: str | bytes | None) -> Matcher | None:
    """Whether a name matches the glob *pattern*; None where any will do."""
    return None if pattern is None else compile_glob(text_of(pattern))
