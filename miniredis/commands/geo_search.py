"""Searching positions within a circle, a box or a polygon.

GEOSEARCH is the later form of GEORADIUS. All of these commands look the key up before they read their arguments, since
one of those may name a member of it; what they read becomes a :class:`_Search`, and that is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from miniredis.commands.geo import coordinates_reply, distance_digits, longitude_latitude, metres_of_unit
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import double, integer, integer_in_range
from miniredis.engine.command import Variant, command, key_range
from miniredis.engine.engine import Engine
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Argv, Error, Reply
from miniredis.structures.geo_shapes import Box, Circle, Polygon, Position, Shape, covering_scores
from miniredis.structures.geohash import decode
from miniredis.structures.numbers import INT32_MAX, INT32_MIN
from miniredis.structures.partial_sort import first_sorted
from miniredis.structures.sorted_set import ScoreRange, SortedSet

# What is asked for


@record
class _Search:
    """What a command asks for. There is no centre if the key it searches does not exist."""

    centre: Position | None = None
    shape: Callable[[Position], Shape] | None = None
    with_distance: bool = False
    with_hash: bool = False
    with_coordinates: bool = False
    descending: bool | None = None
    count: int | None = None
    any: bool = False
    destination: bytes | None = None
    stores_distance: bool = False

    @property
    def shows_more(self) -> bool:
        """Whether the reply has more than the members."""
        return self.with_distance or self.with_hash or self.with_coordinates

    def take(self, argv: list[bytes], at: int) -> int:
        """Take the option at that place if it is one that all of the commands have. How many arguments it has."""
        match argv[at].lower():
            case b"withdist":
                self.with_distance = True
            case b"withhash":
                self.with_hash = True
            case b"withcoord":
                self.with_coordinates = True
            case b"any":
                self.any = True
            case b"asc":
                self.descending = False
            case b"desc":
                self.descending = True
            case b"count" if at + 1 < len(argv):
                self.count = integer(argv[at + 1])
                if self.count <= 0:
                    raise Error("ERR COUNT must be > 0")
                return 2
            case _:
                return 0
        return 1


def _position_of(value: SortedSet | None, member: bytes, engine: Engine) -> Position | None:
    """Where *member* is; None if there is no key where it could be."""
    if value is None:
        return None
    score = value.score(member)
    if score is None:
        if engine.version.is_valkey:
            raise Error(b"ERR member " + errors.until_nul(member) + b" does not exist")
        raise Error("ERR could not decode requested zset member")
    return decode(score)


def _circle(argv: list[bytes], at: int, engine: Engine) -> Callable[[Position], Shape]:
    """The circle whose radius and unit stand at that place."""
    radius = double(argv[at], engine, "ERR need numeric radius")
    if radius < 0:
        raise Error("ERR radius cannot be negative")
    return partial(Circle, radius=radius, unit=metres_of_unit(argv[at + 1]))


def _box(argv: list[bytes], at: int, engine: Engine) -> Callable[[Position], Shape]:
    """The box whose width, height and unit stand at that place."""
    width = double(argv[at], engine, "ERR need numeric width")
    height = double(argv[at + 1], engine, "ERR need numeric height")
    if width < 0 or height < 0:
        raise Error("ERR height or width cannot be negative")
    return partial(Box, width=width, height=height, unit=metres_of_unit(argv[at + 2]))


def _polygon(argv: list[bytes], at: int, engine: Engine) -> tuple[Polygon, int]:
    """The polygon whose number of vertices stands at that place, with them behind it; and how many arguments it has."""
    number = integer_in_range(argv[at], INT32_MIN, INT32_MAX, "ERR invalid number of vertices")
    if number < 3 or (len(argv) - at - 1) // 2 < number:
        raise Error("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices")
    end = at + 1 + 2 * number
    return Polygon([longitude_latitude(argv[x], argv[x + 1], engine) for x in range(at + 1, end, 2)]), 1 + 2 * number


# GEORADIUS


def georadius_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """The key to search and, where there is one, the key behind the last ``STORE`` or ``STOREDIST``."""
    keys: list[tuple[int, tuple[str, ...]]] = [(1, ("RO", "access"))]
    position = 5
    while position < len(argv) - 1:
        if argv[position].lower() in (b"store", b"storedist"):
            position += 1
            keys[1:] = [(position, ("OW", "update"))]
        position += 1
    return keys


@command(
    "GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count"
    " [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
    arity=-6,
    summary="Queries a geospatial index for members within a distance from a coordinate, optionally stores the result.",
    since="3.2.0",
    group="geo",
    complexity=(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by"
        " center and radius and M is the number of items inside the index."
    ),
    flags="write denyoom",
    categories="geo",
    keys=[key_range("RO access", 1), key_range("OW update", ("STORE", 6)), key_range("OW update", ("STOREDIST", 6))],
    get_keys=georadius_keys,
    history=[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    names=["unit", "count-block", "order", "store"],
    details={"ANY": "since=6.2.0", "STORE": "name=storekey", "STOREDIST": "name=storedistkey"},
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    variants=[
        Variant(
            valkey_since="8.0.0",
            keys=(
                key_range("RO access", 1),
                key_range("OW update variable_flags", ("STORE", 6)),
                key_range("OW update variable_flags", ("STOREDIST", 6)),
            ),
            deprecated=False,
        ),
    ],
)
def georadius(client: Session, argv: list[bytes]) -> Reply:
    return _radius(client, argv, by_member=False, may_store=True)


@command(
    "GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count"
    " [ANY]] [ASC | DESC]",
    arity=-6,
    summary="Returns members from a geospatial index that are within a distance from a coordinate.",
    since="3.2.10",
    group="geo",
    complexity=(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by"
        " center and radius and M is the number of items inside the index."
    ),
    flags="readonly",
    categories="geo",
    keys=[key_range("RO access", 1)],
    history=[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    names=["unit", "count-block", "order"],
    details={"ANY": "since=6.2.0"},
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` with the `BYRADIUS` argument",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def georadius_ro(client: Session, argv: list[bytes]) -> Reply:
    return _radius(client, argv, by_member=False, may_store=False)


@command(
    "GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]]"
    " [ASC | DESC] [STORE key | STOREDIST key]",
    arity=-5,
    summary="Queries a geospatial index for members within a distance from a member, optionally stores the result.",
    since="3.2.0",
    group="geo",
    complexity=(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by"
        " center and radius and M is the number of items inside the index."
    ),
    flags="write denyoom",
    categories="geo",
    keys=[key_range("RO access", 1), key_range("OW update", ("STORE", 5)), key_range("OW update", ("STOREDIST", 5))],
    get_keys=georadius_keys,
    history=[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    names=["unit", "count-block", "order", "store"],
    details={"STORE": "name=storekey", "STOREDIST": "name=storedistkey"},
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    variants=[
        Variant(
            valkey_since="8.0.0",
            keys=(
                key_range("RO access", 1),
                key_range("OW update variable_flags", ("STORE", 5)),
                key_range("OW update variable_flags", ("STOREDIST", 5)),
            ),
            deprecated=False,
        ),
    ],
)
def georadiusbymember(client: Session, argv: list[bytes]) -> Reply:
    return _radius(client, argv, by_member=True, may_store=True)


@command(
    "GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count"
    " [ANY]] [ASC | DESC]",
    arity=-5,
    summary="Returns members from a geospatial index that are within a distance from a member.",
    since="3.2.10",
    group="geo",
    complexity=(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by"
        " center and radius and M is the number of items inside the index."
    ),
    flags="readonly",
    categories="geo",
    keys=[key_range("RO access", 1)],
    history=[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    names=["unit", "count-block", "order"],
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    variants=[Variant(valkey_since="8.0.0", deprecated=False)],
)
def georadiusbymember_ro(client: Session, argv: list[bytes]) -> Reply:
    return _radius(client, argv, by_member=True, may_store=False)


def _radius(client: Session, argv: list[bytes], *, by_member: bool, may_store: bool) -> Reply:
    value = client.db.read_as(argv[1], SortedSet)
    search = _Search()
    if not by_member:
        search.centre = longitude_latitude(argv[2], argv[3], client.engine)
        search.shape = _circle(argv, 4, client.engine)
    elif value is not None:
        search.centre = _position_of(value, argv[2], client.engine)
        search.shape = _circle(argv, 3, client.engine)
    at = 5 if by_member else 6
    while at < len(argv):
        taken = search.take(argv, at)
        if not taken:
            option = argv[at].lower()
            if option not in (b"store", b"storedist") or at + 1 == len(argv) or not may_store:
                raise errors.syntax_error()
            search.destination, search.stores_distance = argv[at + 1], option == b"storedist"
            taken = 2
        at += taken
    if search.destination is not None and search.shows_more:
        raise Error("ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
    return _run(client, value, search, b"georadiusstore")


# GEOSEARCH


@command(
    "GEOSEARCH key [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M | KM | FT | MI> |"
    " BYBOX width height <M | KM | FT | MI> | BYPOLYGON num-vertices longitude latitude [longitude latitude ...]>"
    " [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
    arity=-7,
    summary="Queries a geospatial index for members inside an area of a box, circle, or a polygon.",
    since="6.2.0",
    group="geo",
    complexity=(
        "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape"
        " provided as the filter and M is the number of items inside the shape"
    ),
    flags="readonly",
    categories="geo",
    keys=[key_range("RO access", 1)],
    history=[
        ("7.0.0", "Added support for uppercase unit names."),
        ("valkey 9.0.0", "Added support for the BYPOLYGON option."),
    ],
    names=["from", "fromlonlat", "by", "circle", "unit", "box", "unit", "polygon", "vertices", "order", "count-block"],
    details={"BYBOX": "leads=argument", "BYPOLYGON": "leads=argument", "polygon": "valkey-since=9.0.0"},
)
def geosearch(client: Session, argv: list[bytes]) -> Reply:
    return _geosearch(client, argv, 1, None)


@command(
    "GEOSEARCHSTORE destination source [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M |"
    " KM | FT | MI> | BYBOX width height <M | KM | FT | MI> | BYPOLYGON num-vertices longitude latitude [longitude"
    " latitude ...]> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
    arity=-8,
    summary=(
        "Queries a geospatial index for members inside an area of a box, a circle, or a polygon, optionally stores"
        " the result."
    ),
    since="6.2.0",
    group="geo",
    complexity=(
        "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape"
        " provided as the filter and M is the number of items inside the shape"
    ),
    flags="write denyoom",
    categories="geo",
    keys=[key_range("OW update", 1), key_range("RO access", 2)],
    history=[
        ("7.0.0", "Added support for uppercase unit names."),
        ("valkey 9.0.0", "Added support for the BYPOLYGON option."),
    ],
    names=["from", "fromlonlat", "by", "circle", "unit", "box", "unit", "polygon", "vertices", "order", "count-block"],
    details={"BYBOX": "leads=argument", "BYPOLYGON": "leads=argument", "polygon": "valkey-since=9.0.0"},
)
def geosearchstore(client: Session, argv: list[bytes]) -> Reply:
    return _geosearch(client, argv, 2, argv[1])


def _geosearch(client: Session, argv: list[bytes], source_at: int, destination: bytes | None) -> Reply:
    value = client.db.read_as(argv[source_at], SortedSet)
    search = _SearchArguments(client.engine, value, argv, source_at + 1, destination).read()
    return _run(client, value, search, b"geosearchstore")


class _SearchArguments:
    """The arguments of GEOSEARCH and GEOSEARCHSTORE, from which a search is read, one by one."""

    def __init__(
        self, engine: Engine, value: SortedSet | None, argv: list[bytes], start: int, destination: bytes | None
    ) -> None:
        self._engine = engine
        self._value = value
        self._argv = argv
        self._start = start
        self._search = _Search(destination=destination)
        self._centre_by = b""
        self._shape_by = b""

    def read(self) -> _Search:
        """What is asked for; raises the first error."""
        at = self._start
        while at < len(self._argv):
            at += self._search.take(self._argv, at) or self._take(at)
        self._check()
        return self._search

    def _take(self, at: int) -> int:
        """Take the option at that place, which may stand once more but not beside another of its kind."""
        argv, search, engine, following = self._argv, self._search, self._engine, len(self._argv) - at - 1
        option = argv[at].lower()
        match option:
            case b"storedist" if search.destination is not None:
                search.stores_distance = True
                return 1
            case b"frommember" if following >= 1 and self._may_have_centre(option):
                search.centre, self._centre_by = _position_of(self._value, argv[at + 1], engine), option
                return 2
            case b"fromlonlat" if following >= 2 and self._may_have_centre(option):
                search.centre, self._centre_by = longitude_latitude(argv[at + 1], argv[at + 2], engine), option
                return 3
            case b"byradius" if following >= 2 and self._may_have_shape(option):
                search.shape, self._shape_by = _circle(argv, at + 1, engine), option
                return 3
            case b"bybox" if following >= 3 and self._may_have_shape(option):
                search.shape, self._shape_by = _box(argv, at + 1, engine), option
                return 4
            case b"bypolygon" if following >= 2 and self._may_have_polygon():
                polygon, arguments = _polygon(argv, at + 1, engine)
                search.centre, search.shape, self._shape_by = polygon.centre, lambda _: polygon, option
                return 1 + arguments
            case _:
                raise errors.syntax_error()

    def _may_have_centre(self, option: bytes) -> bool:
        return self._centre_by in (b"", option) and self._shape_by != b"bypolygon"

    def _may_have_shape(self, option: bytes) -> bool:
        return self._shape_by in (b"", option)

    def _may_have_polygon(self) -> bool:
        return self._engine.version.is_valkey and not self._centre_by and self._may_have_shape(b"bypolygon")

    def _check(self) -> None:
        search, name = self._search, self._argv[0]
        if search.destination is not None and search.shows_more:
            raise Error("ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
        if not self._centre_by and self._shape_by != b"bypolygon":
            raise Error(b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name)
        if not self._shape_by:
            shapes = b"BYRADIUS, BYBOX and BYPOLYGON" if self._engine.version.is_valkey else b"BYRADIUS and BYBOX"
            raise Error(b"ERR exactly one of " + shapes + b" can be specified for " + name)


# Searching


@record
class _Found:
    member: bytes
    score: float
    longitude: float
    latitude: float
    metres: float


def _run(client: Session, value: SortedSet | None, search: _Search, event: bytes) -> Reply:
    """What the search finds in *value*, or, if it is to be stored, how much that is."""
    if search.any and search.count is None:
        raise Error("ERR the ANY argument requires COUNT argument")
    if value is None or search.centre is None or search.shape is None:
        unit, found = 1.0, list[_Found]()
    else:
        shape = search.shape(search.centre)
        unit, found = shape.unit, _found(value, shape, search)
    if search.destination is None:
        return [_shown(client, each, unit, search) for each in found]
    scores = {each.member: each.metres / unit if search.stores_distance else each.score for each in found}
    stored = SortedSet.from_result(scores, client.engine.config)
    client.db.store(search.destination, stored, notifications.ZSET, event, len(found))
    return len(found)


def _found(value: SortedSet, shape: Shape, search: _Search) -> list[_Found]:
    """The members within *shape*, in the order and as many as asked for."""
    count, descending = search.count, search.descending
    if search.any:
        found = list(islice(_members_within(value, shape), count))
    else:
        found = list(_members_within(value, shape))
        if count is not None and descending is None:
            descending = False  # a few of all are the nearest
    if descending is None:
        return found
    sign = -1.0 if descending else 1.0
    if count is not None and count < len(found):
        return first_sorted(found, lambda each: sign * each.metres, count)
    found.sort(key=lambda each: sign * each.metres)
    return found


def _members_within(value: SortedSet, shape: Shape) -> Iterator[_Found]:
    for start, end in covering_scores(shape):
        for member, score in value.by_score(ScoreRange(start, end, max_exclusive=True)):
            longitude, latitude = decode(score)
            metres = shape.distance(longitude, latitude)
            if metres is not None:
                yield _Found(member, score, longitude, latitude, metres)


def _shown(client: Session, found: _Found, unit: float, search: _Search) -> Reply:
    if not search.shows_more:
        return found.member
    shown: list[Reply] = [found.member]
    if search.with_distance:
        shown.append(distance_digits(found.metres / unit))
    if search.with_hash:
        shown.append(int(found.score))
    if search.with_coordinates:
        shown.append(coordinates_reply(client, found.longitude, found.latitude))
    return shown
