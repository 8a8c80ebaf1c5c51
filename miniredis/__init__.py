"""A Redis-compatible server in pure Python: embed it in a test, or run it with ``python -m miniredis``.

``miniredis.MiniRedis`` is the server inside a test (:mod:`miniredis.testing`). It is imported when first asked for.

(PYTEST_DONT_REWRITE: pytest, finding a plugin beside it, would else warn whoever has imported this before it looked.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniredis.testing import MiniRedis

__all__ = ["MiniRedis", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "MiniRedis":
        return _mini_redis()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _mini_redis() -> type[MiniRedis]:
    """The class. All that its import makes stays, so the garbage collector, which would go through that again and
    again, and through all that was there before, has a rest meanwhile: it saves a tenth of the time."""
    import gc

    is_enabled = gc.isenabled()
    gc.disable()
    try:
        from miniredis.testing import MiniRedis
    finally:
        if is_enabled:
            gc.enable()
    return MiniRedis
