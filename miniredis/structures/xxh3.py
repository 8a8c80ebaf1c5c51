"""XXH3, 64 bits wide and without a seed: the hash by which DIGEST tells one string from another.

It has a way of its own for every class of lengths. Up to 240 bytes the input is read in few words, each mixed with a
part of a fixed secret; what is longer goes in stripes of 64 bytes through eight lanes, which are scrambled after every
sixteen stripes. (Source: the specification of XXH3 that its authors publish with xxHash.)
"""

from __future__ import annotations

from operator import xor
from struct import Struct
from typing import Final

MASK: Final = 2**64 - 1
LOW: Final = 2**32 - 1

PRIME_32_1: Final = 0x9E3779B1
PRIME_32_2: Final = 0x85EBCA77
PRIME_32_3: Final = 0xC2B2AE3D
PRIME_64_1: Final = 0x9E3779B185EBCA87
PRIME_64_2: Final = 0xC2B2AE3D27D4EB4F
PRIME_64_3: Final = 0x165667B19E3779F9
PRIME_64_4: Final = 0x85EBCA77C2B2AE63
PRIME_64_5: Final = 0x27D4EB2F165667C5
PRIME_MX_1: Final = 0x165667919E3779F9
PRIME_MX_2: Final = 0x9FB21C651E98DF25

SECRET: Final = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)

STRIPE: Final = 64
STRIPES_OF_A_BLOCK: Final = 16
BLOCK: Final = STRIPE * STRIPES_OF_A_BLOCK

_WORD: Final = Struct("<Q")
_HALF: Final = Struct("<I")
_TWO_WORDS: Final = Struct("<QQ")
_LANES: Final = Struct("<8Q")
_BLOCK: Final = Struct("<128Q")


def xxh3_64(data: bytes) -> int:
    """The hash of *data*, below 2**64."""
    length = len(data)
    if length > 240:
        return _long(data, length)
    if length > 128:
        return _up_to_240(data, length)
    if length > 16:
        return _up_to_128(data, length)
    if length > 8:
        return _up_to_16(data, length)
    if length > 3:
        return _up_to_8(data, length)
    if length:
        return _up_to_3(data, length)
    return _avalanche_64(_secret(56) ^ _secret(64))


def _up_to_3(data: bytes, length: int) -> int:
    combined = data[0] << 16 | data[length >> 1] << 24 | data[-1] | length << 8
    return _avalanche_64(combined ^ _HALF.unpack_from(SECRET)[0] ^ _HALF.unpack_from(SECRET, 4)[0])


def _up_to_8(data: bytes, length: int) -> int:
    word: int = _HALF.unpack_from(data, length - 4)[0] + (_HALF.unpack_from(data)[0] << 32)
    word ^= _secret(8) ^ _secret(16)
    word ^= _rotated(word, 49) ^ _rotated(word, 24)
    word = word * PRIME_MX_2 & MASK
    word ^= (word >> 35) + length
    word = word * PRIME_MX_2 & MASK
    return word ^ word >> 28


def _up_to_16(data: bytes, length: int) -> int:
    low = _WORD.unpack_from(data)[0] ^ _secret(24) ^ _secret(32)
    high = _WORD.unpack_from(data, length - 8)[0] ^ _secret(40) ^ _secret(48)
    swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
    return _avalanche(length + swapped + high + _folded(low, high))


def _up_to_128(data: bytes, length: int) -> int:
    total = length * PRIME_64_1
    for pair in range((length - 1) // 32 + 1):
        total += _mixed(data, 16 * pair, 32 * pair)
        total += _mixed(data, length - 16 * pair - 16, 32 * pair + 16)
    return _avalanche(total)


def _up_to_240(data: bytes, length: int) -> int:
    total = length * PRIME_64_1 + sum(_mixed(data, at, at) for at in range(0, 128, 16))
    total = _avalanche(total)
    total += sum(_mixed(data, at, at - 128 + 3) for at in range(128, length - 15, 16))
    return _avalanche(total + _mixed(data, length - 16, 136 - 17))


def _long(data: bytes, length: int) -> int:
    lanes = [PRIME_32_3, PRIME_64_1, PRIME_64_2, PRIME_64_3, PRIME_64_4, PRIME_32_2, PRIME_64_5, PRIME_32_1]
    whole = (length - 1) // BLOCK * BLOCK  # the last stripe is never of a whole block
    for at in range(0, whole, BLOCK):
        words = _BLOCK.unpack_from(data, at)
        for lane in range(8):
            keyed = map(xor, words[lane::8], _SECRET_WORDS[lane:])
            total = lanes[lane] + sum(words[lane ^ 1 :: 8]) + sum([(key & LOW) * (key >> 32) for key in keyed])
            total &= MASK
            lanes[lane] = (total ^ total >> 47 ^ _LAST_SECRET_WORDS[lane]) * PRIME_32_1 & MASK
    for number, at in enumerate(range(whole, length - STRIPE, STRIPE)):
        _accumulate(lanes, data, at, 8 * number)
    _accumulate(lanes, data, length - STRIPE, len(SECRET) - STRIPE - 7)
    merged = length * PRIME_64_1
    for lane in range(0, 8, 2):
        low, high = _TWO_WORDS.unpack_from(SECRET, 11 + 8 * lane)
        merged += _folded(lanes[lane] & MASK ^ low, lanes[lane + 1] & MASK ^ high)
    return _avalanche(merged)


def _accumulate(lanes: list[int], data: bytes, at: int, secret_at: int) -> None:
    """Add one stripe to *lanes*, which may grow beyond 64 bits."""
    words = _LANES.unpack_from(data, at)
    for lane, key in enumerate(map(xor, words, _LANES.unpack_from(SECRET, secret_at))):
        lanes[lane ^ 1] += words[lane]
        lanes[lane] += (key & LOW) * (key >> 32)


def _secret(at: int) -> int:
    word: int = _WORD.unpack_from(SECRET, at)[0]
    return word


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> 64 - bits) & MASK


def _folded(one: int, other: int) -> int:
    """The upper and the lower half of a product, one laid over the other."""
    product = one * other
    return product & MASK ^ product >> 64


def _mixed(data: bytes, at: int, secret_at: int) -> int:
    """Sixteen bytes of *data*, mixed with as many of the secret."""
    low, high = _TWO_WORDS.unpack_from(data, at)
    secret_low, secret_high = _TWO_WORDS.unpack_from(SECRET, secret_at)
    return _folded(low ^ secret_low, high ^ secret_high)


def _avalanche(word: int) -> int:
    """Let every bit of *word*, of which 64 count, reach all others."""
    word &= MASK
    word = (word ^ word >> 37) * PRIME_MX_1 & MASK
    return word ^ word >> 32


def _avalanche_64(word: int) -> int:
    """As :func:`_avalanche`, in the way of the older XXH64, which the shortest inputs take."""
    word = (word ^ word >> 33) * PRIME_64_2 & MASK
    word = (word ^ word >> 29) * PRIME_64_3 & MASK
    return word ^ word >> 32


_SECRET_WORDS: Final = Struct("<24Q").unpack(SECRET)
_LAST_SECRET_WORDS: Final = _SECRET_WORDS[-8:]
