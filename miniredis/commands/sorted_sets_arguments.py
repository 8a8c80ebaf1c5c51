"""Reading scores, and the ends of ranges of scores and of members, with the errors Redis gives for them."""

from __future__ import annotations

from miniredis.engine.arguments import lenient_double
from miniredis.engine.engine import Engine
from miniredis.resp.types import Error
from miniredis.structures.sorted_set import LEX_MAX, LEX_MIN, LexBound, LexRange, ScoreRange


def score_range(minimum: bytes, maximum: bytes, engine: Engine) -> ScoreRange:
    """The scores from *minimum* to *maximum*, each of them excluded if ``(`` stands before it."""
    low, low_excluded = _score_bound(minimum, engine)
    high, high_excluded = _score_bound(maximum, engine)
    return ScoreRange(low, high, low_excluded, high_excluded)


def _score_bound(text: bytes, engine: Engine) -> tuple[float, bool]:
    excluded = text.startswith(b"(")
    value = lenient_double(text[1:] if excluded else text, engine)
    if value is None:
        raise Error("ERR min or max is not a float")
    return value, excluded


def lex_range(minimum: bytes, maximum: bytes) -> LexRange:
    """The members from *minimum* to *maximum*, after ``[`` or ``(``; ``-`` and ``+`` are before and after them all."""
    return LexRange(_lex_bound(minimum), _lex_bound(maximum))


def _lex_bound(text: bytes) -> LexBound:
    mark, member = text[:1], text[1:]
    if mark in (b"[", b"("):
        return LexBound(member, exclusive=mark == b"(")
    if mark in (b"-", b"+") and member[:1] in (b"", b"\0"):  # for Redis, a NUL byte is the end
        return LEX_MIN if mark == b"-" else LEX_MAX
    raise Error("ERR min or max not valid string range item")
