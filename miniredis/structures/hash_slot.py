"""The hash slot of a key, by which a cluster knows the node that has it: CRC16 modulo 16384.

The checksum is that of XMODEM (polynomial 0x1021, beginning with 0, nothing reflected), which the standard library has
under the name of another user of it.
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import Final

SLOTS: Final = 16384


def hash_slot(key: bytes) -> int:
    """The slot of *key*: of its hash tag, if it has one, so that keys with the same tag stand in the same slot."""
    return crc16(hash_tag(key)) % SLOTS


def hash_tag(key: bytes) -> bytes:
    """What stands between the first ``{`` and the first ``}`` behind it; all of *key* if that is nothing."""
    _, opened, rest = key.partition(b"{")
    tag, closed, _ = rest.partition(b"}")
    return tag if opened and closed and tag else key


def crc16(data: bytes) -> int:
    """The checksum of *data*."""
    return crc_hqx(data, 0)
