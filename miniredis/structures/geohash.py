"""Positions on the Earth as numbers, so that what lies close together has mostly numbers close together.

Longitude and latitude are halved again and again; the halves that a position is in are the bits of its geohash, a bit
of latitude behind each bit of longitude. With 26 *steps* that makes 52 bits, which a score of a sorted set holds
exactly, and all positions in a cell of fewer steps are one range of scores.

The rule of this file: every operation in the order in which Redis has it, since doubles that are computed otherwise
print other digits. Longitude stands before latitude, both are in degrees, distances are in metres.
"""

from __future__ import annotations

from math import asin, cos, nan, pi, sin, sqrt
from typing import Final, NamedTuple

STEPS: Final = 26
"""How often both coordinates of a stored position are halved."""

LONGITUDES: Final = (-180.0, 180.0)
LATITUDES: Final = (-85.05112878, 85.05112878)
"""What can be stored: Mercator's projection ends before the poles."""

WHOLE_LATITUDES: Final = (-90.0, 90.0)
"""What geohashes as text, which others read, go by."""

EARTH_RADIUS: Final = 6372797.560856
RADIANS: Final = pi / 180.0

_ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"
_UINT32: Final = (1 << 32) - 1
_UINT64: Final = (1 << 64) - 1
_EVEN_BITS: Final = 0x5555555555555555
_ODD_BITS: Final = 0xAAAAAAAAAAAAAAAA


class Area(NamedTuple):
    """All between two longitudes and two latitudes."""

    west: float
    south: float
    east: float
    north: float


class Cell(NamedTuple):
    """All positions that agree in the first bits of their geohash: *steps* for each coordinate."""

    bits: int
    steps: int

    @property
    def area(self) -> Area:
        """What the cell covers."""
        return area_of(self.bits, self.steps)

    @property
    def scores(self) -> tuple[int, int]:
        """The scores of what lies in the cell: from the first to the second, which is none of them."""
        shift = 2 * (STEPS - self.steps)
        return self.bits << shift & _UINT64, self.bits + 1 << shift & _UINT64

    def neighbour(self, east: int, north: int) -> Cell:
        """The cell so many cells (-1, 0 or 1) to the east and to the north, around the Earth where it ends."""
        bits = self.bits
        if east:
            bits = self._moved(bits, east, _ODD_BITS, _EVEN_BITS)
        if north:
            bits = self._moved(bits, north, _EVEN_BITS, _ODD_BITS)
        return Cell(bits, self.steps)

    def _moved(self, bits: int, direction: int, moving: int, others: int) -> int:
        """Count the bits of one coordinate up or down: those between are set or not so that carries run through."""
        unused = 64 - 2 * self.steps
        carriers = others >> unused
        coordinate = bits & moving
        if direction > 0:
            coordinate += carriers + 1
        else:
            coordinate = (coordinate | carriers) - (carriers + 1)
        return coordinate & moving >> unused | bits & others


def encode(longitude: float, latitude: float, steps: int = STEPS, latitudes: tuple[float, float] = LATITUDES) -> int:
    """The geohash of a position, which must be within the bounds."""
    (west, east), (south, north) = LONGITUDES, latitudes
    x = int((longitude - west) / (east - west) * (1 << steps))
    y = int((latitude - south) / (north - south) * (1 << steps))
    # The binary digits of a number, read in base 4, are its bits at the even places.
    return int(f"{y:b}", 4) | int(f"{x:b}", 4) << 1


def area_of(bits: int, steps: int) -> Area:
    """The area of all positions that have this geohash of so many steps."""
    digits = f"{bits:064b}"
    x, y = int(digits[::2], 2), int(digits[1::2], 2)
    (west, east), (south, north) = LONGITUDES, LATITUDES
    width, height, cells = east - west, north - south, 1 << steps
    return Area(
        west + (x * 1.0 / cells) * width,
        south + (y * 1.0 / cells) * height,
        west + ((x + 1 & _UINT32) * 1.0 / cells) * width,
        south + ((y + 1 & _UINT32) * 1.0 / cells) * height,
    )


def decode(score: float) -> tuple[float, float]:
    """The longitude and latitude of a member by its score: the middle of its cell, be that a stored position or not."""
    west, south, east, north = area_of(_unsigned(score), STEPS)
    longitude, latitude = (west + east) / 2, (south + north) / 2
    return min(max(longitude, LONGITUDES[0]), LONGITUDES[1]), min(max(latitude, LATITUDES[0]), LATITUDES[1])


def _unsigned(score: float) -> int:
    """What the processor makes of a double where C wants 64 bits without a sign, also of one that they cannot hold."""
    if -(2.0**63) <= score < 2.0**64:
        return int(score) & _UINT64
    return 0 if score > 0 else 1 << 63


def as_text(score: float) -> bytes:
    """The geohash in the form that others know: 11 letters and digits, the last of them always 0."""
    bits = encode(*decode(score), latitudes=WHOLE_LATITUDES)
    return bytes(_ALPHABET[bits >> shift & 31] for shift in range(47, 0, -5)) + b"0"


def distance(longitude1: float, latitude1: float, longitude2: float, latitude2: float) -> float:
    """The great-circle distance of two positions by the haversine formula; of some antipodes it is not a number."""
    v = sin((longitude2 * RADIANS - longitude1 * RADIANS) / 2)
    if v == 0.0:
        return latitude_distance(latitude1, latitude2)
    radians1, radians2 = latitude1 * RADIANS, latitude2 * RADIANS
    u = sin((radians2 - radians1) / 2)
    a = u * u + cos(radians1) * cos(radians2) * v * v
    root = sqrt(a)
    return 2.0 * EARTH_RADIUS * asin(root) if root <= 1.0 else nan


def latitude_distance(latitude1: float, latitude2: float) -> float:
    """The distance of two positions of the same longitude."""
    return EARTH_RADIUS * abs(latitude2 * RADIANS - latitude1 * RADIANS)
