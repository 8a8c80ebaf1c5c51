"""Redis's serialization: the payloads of DUMP and the files that SAVE writes, read and written as Redis does.

``dump`` and ``load`` are the whole dataset, ``payload`` is one value. Below them ``values`` knows how each type of
value is stored, ``streams`` does so for streams; ``reader`` and ``writer`` know lengths and strings; ``listpack``,
``ziplist``, ``zipmap`` and ``intset`` are the compact encodings, ``lzf`` the compression and ``crc64`` the checksum.

Whatever is read may come from anybody. So everything is checked as it is read, and what is wrong with it is a
:class:`RdbError`: no other exception, no memory taken on the strength of a length that was only claimed, and nothing
is executed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from miniredis.rdb.errors import RdbError

if TYPE_CHECKING:
    from miniredis.rdb import functions, payload, values, writer
    from miniredis.rdb.snapshot import Snapshot, apply, dump, load, parse

__all__ = ["RdbError", "Snapshot", "apply", "dump", "functions", "load", "parse", "payload", "values", "writer"]

_MODULES: Final = ("functions", "payload", "values", "writer")


def __getattr__(name: str) -> Any:
    """Import what is asked for: most servers never do."""
    if name in _MODULES:
        return import_module(f"miniredis.rdb.{name}")
    if name in __all__:
        return getattr(import_module("miniredis.rdb.snapshot"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
