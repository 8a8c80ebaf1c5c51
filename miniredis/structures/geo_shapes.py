"""The shapes in which positions are searched: what lies within them, and which ranges of scores can hold it.

A shape is covered by the geohash cell of its centre and the eight around that, in cells as small as will do; those
that the shape's bounds do not touch are left out. The order of the cells is Redis's, since it is that of results that
nobody wants sorted. As in :mod:`miniredis.structures.geohash` every operation is in Redis's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import atan2, cos, isfinite, nan, sin, sqrt
from typing import Final, Protocol

from miniredis.structures.geohash import (
    EARTH_RADIUS,
    LATITUDES,
    RADIANS,
    STEPS,
    Area,
    Cell,
    distance,
    encode,
    latitude_distance,
)

Position = tuple[float, float]
"""Longitude and latitude, in degrees."""

_MERCATOR_MAX: Final = 20037726.37
_DIRECTIONS: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))


class Shape(Protocol):
    """Where to search. ``unit`` is the length in metres of the unit in which distances are told."""

    @property
    def centre(self) -> Position: ...
    @property
    def unit(self) -> float: ...
    @property
    def bounds(self) -> Area: ...
    @property
    def reach(self) -> float:
        """Metres from the centre to what is farthest away, for choosing the size of cells."""

    def distance(self, longitude: float, latitude: float) -> float | None:
        """Metres from the centre to a position; None if it is not within the shape."""


class Circle:
    """All within a radius, given in units."""

    __slots__ = ("_metres", "bounds", "centre", "reach", "unit")

    def __init__(self, centre: Position, radius: float, unit: float) -> None:
        self.centre, self.unit = centre, unit
        self._metres = self.reach = radius * unit
        self.bounds = _bounds(centre, unit * radius, unit * radius)

    def distance(self, longitude: float, latitude: float) -> float | None:
        """See :class:`Shape`."""
        metres = distance(*self.centre, longitude, latitude)
        return None if metres > self._metres else metres


class Box:
    """All within a box along the meridians, its sides given in units."""

    __slots__ = ("_half_height", "_half_width", "bounds", "centre", "reach", "unit")

    def __init__(self, centre: Position, width: float, height: float, unit: float) -> None:
        self.centre, self.unit = centre, unit
        self._half_width, self._half_height = width * unit / 2, height * unit / 2
        self.reach = sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2)) * unit
        self.bounds = _bounds(centre, unit * (width / 2), unit * (height / 2))

    def distance(self, longitude: float, latitude: float) -> float | None:
        """See :class:`Shape`. Either coordinate alone must not be farther away than half a side."""
        centre_longitude, centre_latitude = self.centre
        if latitude_distance(latitude, centre_latitude) > self._half_height:
            return None
        if distance(longitude, latitude, centre_longitude, latitude) > self._half_width:
            return None
        return distance(centre_longitude, centre_latitude, longitude, latitude)


class Polygon:
    """All within a polygon, which is as flat as a map; its centre is that of its vertices on the globe."""

    __slots__ = ("_vertices", "bounds", "centre", "reach", "unit")

    def __init__(self, vertices: Sequence[Position]) -> None:
        self._vertices = vertices
        self.unit = 1.0
        longitudes, latitudes = zip(*vertices, strict=True)
        self.bounds = Area(min(longitudes), min(latitudes), max(longitudes), max(latitudes))
        self.centre = _centre(vertices)
        west, south, east, north = self.bounds
        corners = ((west, north), (east, north), (west, south), (east, south))
        self.reach = max(distance(*self.centre, *corner) for corner in corners)

    def distance(self, longitude: float, latitude: float) -> float | None:
        """See :class:`Shape`. A position is within if a ray from it crosses the outline an odd number of times."""
        inside = False
        x2, y2 = self._vertices[-1]
        for x1, y1 in self._vertices:
            if (y1 > latitude) != (y2 > latitude) and longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1:
                inside = not inside
            x2, y2 = x1, y1
        return distance(*self.centre, longitude, latitude) if inside else None


def _bounds(centre: Position, width: float, height: float) -> Area:
    """What lies so many metres around *centre*: as wide as it is, in degrees, on the side away from the Equator."""
    longitude, latitude = centre
    height_delta = height / EARTH_RADIUS / RADIANS
    farther = latitude - height_delta if latitude < 0 else latitude + height_delta
    shrinking = cos(farther * RADIANS) if isfinite(farther) else nan
    width_delta = width / EARTH_RADIUS / shrinking / RADIANS
    return Area(longitude - width_delta, latitude - height_delta, longitude + width_delta, latitude + height_delta)


def _centre(vertices: Sequence[Position]) -> Position:
    """Where the sum of the vertices points to, as seen from the middle of the Earth."""
    x = y = z = 0.0
    for longitude, latitude in vertices:
        across, up = longitude * RADIANS, latitude * RADIANS
        x += cos(up) * cos(across)
        y += cos(up) * sin(across)
        z += sin(up)
    return atan2(y, x) / RADIANS, atan2(z, sqrt(x * x + y * y)) / RADIANS


def covering_scores(shape: Shape) -> Iterator[tuple[int, int]]:
    """The ranges of scores, each without its end, in which the members within *shape* have theirs.

    There are none if the centre cannot be stored, as that of a polygon around a pole.
    """
    if not LATITUDES[0] <= shape.centre[1] <= LATITUDES[1]:
        return
    steps = _estimated_steps(shape)
    if steps > 1 and _is_too_small(_central_cell(shape, steps), shape.bounds):
        steps -= 1
    cell = _central_cell(shape, steps)
    skipped = _skipped_directions(cell.area, shape.bounds) if steps >= 2 else (frozenset[int](), frozenset[int]())
    previous: Cell | None = None
    for east, north in _DIRECTIONS:
        if east in skipped[0] or north in skipped[1]:
            continue
        searched = cell.neighbour(east, north)
        if searched == previous:
            continue  # with cells this large, what lies to either side is the same
        yield searched.scores
        if east or north:
            previous = searched


def _central_cell(shape: Shape, steps: int) -> Cell:
    return Cell(encode(*shape.centre, steps), steps)


def _estimated_steps(shape: Shape) -> int:
    """How small the cells can be so that nine of them should do."""
    reach = shape.reach
    if reach == 0:
        return STEPS
    steps = 1
    while reach < _MERCATOR_MAX:
        reach *= 2
        steps += 1
    steps -= 2
    polar = abs(shape.centre[1])
    steps -= (polar > 66) + (polar > 80)
    return min(max(steps, 1), STEPS)


def _is_too_small(cell: Cell, bounds: Area) -> bool:
    """Whether the cells around *cell* end before *bounds* do."""
    return (
        cell.neighbour(0, 1).area.north < bounds.north
        or cell.neighbour(0, -1).area.south > bounds.south
        or cell.neighbour(1, 0).area.east < bounds.east
        or cell.neighbour(-1, 0).area.west > bounds.west
    )


def _skipped_directions(area: Area, bounds: Area) -> tuple[frozenset[int], frozenset[int]]:
    """In which directions (east or west, north or south) nothing is to be found, as the central cell goes farther."""
    eastward = {1} if area.east > bounds.east else set()
    westward = {-1} if area.west < bounds.west else set()
    northward = {1} if area.north > bounds.north else set()
    southward = {-1} if area.south < bounds.south else set()
    return frozenset(eastward | westward), frozenset(northward | southward)
