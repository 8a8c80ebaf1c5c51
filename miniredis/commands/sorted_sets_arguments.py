"""Reading scores, and the ends of ranges of scores and of members, with the errors Redis gives for them."""

from __future__ import annotations

from miniredis.engine.engine import Engine
from miniredis.resp.types import Error
from miniredis.structures.numbers import parse_score_bound
from miniredis.structures.sorted_set import LEX_MAX, LEX_MIN, LexBound, LexRange, ScoreRange


def score_range(minimum: bytes, maximum: bytes, engine: Engine) -> ScoreRange:
    """The scores from *minimum* to *maximum*, each of them excluded if ``(`` stands before it."""
    low, low_excluded = _score_bound(minimum, engine)
    high, high_excluded = _score_bound(maximum, engine)
    return ScoreRange(low, high, low_excluded, high_excluded)


def _score_bound(text: bytes, engine: Engine) -> tuple[float, bool]:
    excluded = text.startswith(b"(")
    number = text[1:] if excluded else text
    value = parse_score_bound(number)
    # Valkey reads it with another function than strtod, to which these are no numbers.
    is_refused = engine.version.is_valkey and (number[:1].isspace() or b"x" in number.partition(b"\0")[0].lower())
    if value is None or is_refused:
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
