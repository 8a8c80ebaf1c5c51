"""Positions: members of a sorted set whose scores are geohashes.

The structures (:mod:`miniredis.structures.geohash`) know the numbers. Searching is in
:mod:`miniredis.commands.geo_search`.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

from miniredis.commands.sorted_sets import zadd
from miniredis.engine import errors, propagation
from miniredis.engine.arguments import double
from miniredis.engine.command import command, key_range
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, DoubleDigits, Error, Reply
from miniredis.structures import geohash as geohashes
from miniredis.structures.geohash import LATITUDES, LONGITUDES
from miniredis.structures.sorted_set import SortedSet

_METRES: Final = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}
_ADD_OPTIONS: Final = frozenset({b"NX", b"XX", b"CH"})


# What the commands read and show


def longitude_latitude(longitude: bytes, latitude: bytes, engine: Engine) -> tuple[float, float]:
    """A position as a client gives it; raises an error unless it can be stored."""
    x, y = double(longitude, engine), double(latitude, engine)
    if not (LONGITUDES[0] <= x <= LONGITUDES[1] and LATITUDES[0] <= y <= LATITUDES[1]):
        raise Error(b"ERR invalid longitude,latitude pair %f,%f" % (x, y))
    return x, y


def metres_of_unit(name: bytes) -> float:
    """The length in metres of a unit of distances."""
    metres = _METRES.get(name.lower())
    if metres is None:
        raise Error("ERR unsupported unit provided. please use M, KM, FT, MI")
    return metres


def distance_digits(distance: float) -> bytes:
    """A distance as it is shown, with four digits behind the point."""
    scaled = round(distance * 10000.0) if isfinite(distance) else -(1 << 63)
    whole, fraction = divmod(abs(scaled), 10000)
    return b"%s%d.%04d" % (b"-" if scaled < 0 else b"", whole, fraction)


def coordinates_reply(client: Session, longitude: float, latitude: float) -> list[Reply]:
    """A position as it is shown: with all its digits up to the 17th behind the point, in Redis 8 as every double."""
    if client.engine.version.redis >= (8, 0):
        return [longitude, latitude]
    return [DoubleDigits(_trimmed(longitude)), DoubleDigits(_trimmed(latitude))]


def _trimmed(coordinate: float) -> bytes:
    return (b"%.17f" % coordinate).rstrip(b"0").rstrip(b".")


# The commands


@command(
    "GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
    arity=-5,
    summary="Adds one or more members to a geospatial index. The key is created if it doesn't exist.",
    since="3.2.0",
    group="geo",
    complexity="O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    flags="write denyoom",
    categories="geo",
    keys=[key_range("RW update", 1)],
    history=[
        ("6.2.0", "Added the `CH`, `NX` and `XX` options."),
    ],
    names=["condition", "data"],
    details={"condition": "since=6.2.0", "CH": "name=change since=6.2.0"},
)
def geoadd(client: Session, argv: list[bytes]) -> Reply:
    position = 2
    while position < len(argv) and argv[position].upper() in _ADD_OPTIONS:
        position += 1
    options = {option.upper() for option in argv[2:position]}
    if (len(argv) - position) % 3 or {b"NX", b"XX"} <= options:
        raise errors.syntax_error()
    words = [b"zadd", *argv[1:position]]
    for at in range(position, len(argv), 3):
        words.append(b"%d" % geohashes.encode(*longitude_latitude(argv[at], argv[at + 1], client.engine)))
        words.append(argv[at + 2])
    propagation.rewrite(client, *words)
    return zadd(client, words)


@command(
    "GEODIST key member1 member2 [M | KM | FT | MI]",
    arity=-4,
    summary="Returns the distance between two members of a geospatial index.",
    since="3.2.0",
    group="geo",
    complexity="O(1)",
    flags="readonly",
    categories="geo",
    keys=[key_range("RO access", 1)],
    names=["unit"],
)
def geodist(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 5:
        raise errors.syntax_error()
    unit = metres_of_unit(argv[4]) if len(argv) == 5 else 1.0
    value = client.db.read_as(argv[1], SortedSet)
    if value is None:
        return None
    score1, score2 = value.score(argv[2]), value.score(argv[3])
    if score1 is None or score2 is None:
        return None
    return distance_digits(geohashes.distance(*geohashes.decode(score1), *geohashes.decode(score2)) / unit)


@command(
    "GEOHASH key [member [member ...]]",
    arity=-2,
    summary="Returns members from a geospatial index as geohash strings.",
    since="3.2.0",
    group="geo",
    complexity="O(1) for each member requested.",
    flags="readonly",
    categories="geo",
    keys=[key_range("RO access", 1)],
)
def geohash(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], SortedSet)
    if value is None:
        return [None] * (len(argv) - 2)
    scores = map(value.score, argv[2:])
    return [None if score is None else geohashes.as_text(score) for score in scores]


@command(
    "GEOPOS key [member [member ...]]",
    arity=-2,
    summary="Returns the longitude and latitude of members from a geospatial index.",
    since="3.2.0",
    group="geo",
    complexity="O(1) for each member requested.",
    flags="readonly",
    categories="geo",
    keys=[key_range("RO access", 1)],
)
def geopos(client: Session, argv: list[bytes]) -> Reply:
    value = client.db.read_as(argv[1], SortedSet)
    if value is None:
        return [NULL_ARRAY] * (len(argv) - 2)
    scores = map(value.score, argv[2:])
    return [NULL_ARRAY if score is None else coordinates_reply(client, *geohashes.decode(score)) for score in scores]
