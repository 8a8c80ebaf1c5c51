"""The registers of a HyperLogLog that has few elements: runs of equal registers, as Redis writes them.

======================  =====================================================
``00xxxxxx``            ZERO: ``x`` + 1 registers (up to 64) are 0
``01xxxxxx yyyyyyyy``   XZERO: ``xy`` + 1 registers (up to 16384) are 0
``1vvvvvxx``            VAL: ``x`` + 1 registers (up to 4) are ``v`` + 1
======================  =====================================================

The same registers can be written in several ways. Which one a string has is told by the order in which its registers
were raised, and by how far Redis looks for runs to join: so this follows Redis step by step.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import Final

from miniredis.structures.hyperloglog_dense import REGISTERS

OPCODE: Final = re.compile(rb"[\x40-\x7f].?|[^\x40-\x7f]", re.DOTALL)
"""One run. The second byte of an XZERO that is cut short is 0, as behind the end of every string of Redis."""

LONGEST_ZERO: Final = 64
LONGEST_VALUE: Final = 4
HIGHEST_VALUE: Final = 32
"""The highest value of a register that a VAL can have."""

JOINED: Final = 5
"""The runs, from the one before the register that was raised, that are looked at for equal neighbours."""

EMPTY: Final = b"\x7f\xff"
"""No register is raised."""

_VALUES: Final = {
    (value, length): bytes([0x80 | (value - 1) << 2 | length - 1])
    for value in range(1, HIGHEST_VALUE + 1)
    for length in range(1, LONGEST_VALUE + 1)
}
_VALUE_OF: Final = {opcode: value for (value, _), opcode in _VALUES.items()}


class _Spans(dict[bytes, int]):
    """How many registers each run has. There are as many XZERO as registers: those are reckoned when they occur."""

    def __missing__(self, run: bytes) -> int:
        high, low = run
        self[run] = length = ((high & 0x3F) << 8 | low) + 1
        return length


_SPAN: Final = _Spans(
    {bytes([length - 1]): length for length in range(1, LONGEST_ZERO + 1)}
    | {opcode: length for (_, length), opcode in _VALUES.items()}
    | {bytes([0x40 | high]): (high << 8) + 1 for high in range(64)}
)


class CorruptedError(Exception):
    """The runs do not cover all registers, or cover more."""


class NoRoomError(Exception):
    """The sparse form cannot have that value, or becomes longer than it may be."""


class SparseRegisters:
    """Runs of registers, read from *body* and turned back to bytes by :meth:`to_bytes`."""

    __slots__ = ("_runs", "_starts", "total")

    def __init__(self, body: bytes | bytearray | memoryview) -> None:
        self._runs: list[bytes] = OPCODE.findall(bytes(body))
        self._starts = list(accumulate(map(_SPAN.__getitem__, self._runs), initial=0))
        self.total = self._starts.pop()
        """How many registers the runs cover: 16384, unless they are corrupted."""

    def to_bytes(self) -> bytes:
        """The runs as Redis writes them."""
        return b"".join(self._runs)

    def expanded(self) -> bytearray:
        """A byte for each register. Raises :class:`CorruptedError`."""
        if self.total != REGISTERS:
            raise CorruptedError
        registers = bytearray(REGISTERS)
        for start, run in zip(self._starts, self._runs, strict=True):
            if value := _VALUE_OF.get(run):
                length = _SPAN[run]
                registers[start : start + length] = bytes([value]) * length
        return registers

    def described(self) -> bytes:
        """The runs as PFDEBUG DECODE shows them."""
        words = []
        for run in self._runs:
            if value := _VALUE_OF.get(run):
                words.append(b"v:%d,%d" % (value, _SPAN[run]))
            else:
                words.append(b"%c:%d" % (b"Z" if b"\x40" <= run[:1] < b"\x80" else b"z", _SPAN[run]))
        return b" ".join(words)

    def raise_register(self, index: int, value: int, room: int) -> int | None:
        """Raise the register *index* to *value*: by how many bytes the runs grow, None if it was not lower.

        Raises :class:`NoRoomError` if they would grow by more than *room* or cannot have the value,
        :class:`CorruptedError` if no run has the register.
        """
        if value > HIGHEST_VALUE:
            raise NoRoomError
        if index >= self.total:
            raise CorruptedError
        runs, starts = self._runs, self._starts
        at = bisect_right(starts, index) - 1
        run, start = runs[at], starts[at]
        old = _VALUE_OF.get(run, 0)
        if old >= value:
            return None
        before, behind = index - start, start + _SPAN[run] - 1 - index
        pieces = [_VALUES[value, 1]]
        if before:
            pieces.insert(0, _run_of(old, before))
        if behind:
            pieces.append(_run_of(old, behind))
        growth = sum(map(len, pieces)) - len(run)
        if growth > 0 and growth > room:
            raise NoRoomError
        runs[at : at + 1] = pieces
        new_starts = [start]
        if before:
            new_starts.append(index)
        if behind:
            new_starts.append(index + 1)
        starts[at : at + 1] = new_starts
        return growth - self._join_from(max(at - 1, 0))

    def _join_from(self, at: int) -> int:
        """Join neighbours of equal value from the run *at* on, as far as Redis looks. How many bytes that saved."""
        runs, starts = self._runs, self._starts
        saved = 0
        for _ in range(JOINED):
            if at + 1 >= len(runs):
                break
            value = _VALUE_OF.get(runs[at], 0)
            if value and value == _VALUE_OF.get(runs[at + 1]):
                length = _SPAN[runs[at]] + _SPAN[runs[at + 1]]
                if length <= LONGEST_VALUE:
                    runs[at : at + 2] = [_VALUES[value, length]]
                    del starts[at + 1]
                    saved += 1
                    continue
            at += 1
        return saved


def _run_of(value: int, length: int) -> bytes:
    if value:
        return _VALUES[value, length]
    if length > LONGEST_ZERO:
        return (0x4000 | length - 1).to_bytes(2, "big")
    return bytes([length - 1])
