"""MISSING: what there is instead of a value where ``None`` may be one."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Missing(Enum):
    """The type of :data:`MISSING`."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING
