"""How often keys are used, for the LFU policies of ``maxmemory-policy``.

Redis has 24 bits for it in each object: 16 for the minute in which the counter was last written, 8 for the counter. It
counts logarithmically, by chance: the higher it is, the less likely an access raises it; and it loses one for every
``lfu-decay-time`` minutes without an access. A new key begins above zero, so that it is not the first to go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine

INITIAL: Final = 5
HIGHEST: Final = 255
MINUTES: Final = 0xFFFF


class AccessFrequencies(dict[bytes, int]):
    """What a database has as ``access`` under an LFU policy, in place of the seconds of the last accesses.

    To write the second of an access, as to those, counts it. What is read are Redis's 24 bits.
    """

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine, keys: Iterable[bytes]) -> None:
        self._engine = engine
        super().__init__(dict.fromkeys(keys, self._minute(engine.second) << 8 | INITIAL))

    def __setitem__(self, key: bytes, second: int) -> None:
        counter = self._raised(self.frequency(key)) if key in self else INITIAL
        super().__setitem__(key, self._minute(second) << 8 | counter)

    def frequency(self, key: bytes) -> int:
        """The counter of *key* as it is now, which is what OBJECT FREQ says."""
        written, counter = divmod(self[key], 256)
        decay_time = self._engine.config.lfu_decay_time
        if not decay_time:
            return counter
        now = self._minute(self._engine.second)
        elapsed = now - written if now >= written else MINUTES - written + now
        return max(counter - elapsed // decay_time, 0)

    def set_frequency(self, key: bytes, counter: int) -> None:
        """Let the counter of *key* be *counter* (RESTORE … FREQ)."""
        super().__setitem__(key, self._minute(self._engine.second) << 8 | counter)

    def _raised(self, counter: int) -> int:
        if counter == HIGHEST:
            return counter
        above = max(counter - INITIAL, 0)
        chance = 1 / (above * self._engine.config.lfu_log_factor + 1)
        return counter + (chance == 1 or self._engine.random.random() < chance)

    @staticmethod
    def _minute(second: int) -> int:
        return second // 60 & MINUTES
