"""Requests: the server's side of the wire, from received bytes to ``argv``.

The rule of this file: it knows bytes and limits, not commands, and it owns every protocol error of Redis, word for
word. It does no I/O, so the same bytes give the same requests and the same error however they were cut on their way.

A request is a *multibulk* (``*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\nk\\r\\n``) or, when its first byte is not ``*``, an
*inline* line that a person typed. There are two ways through a multibulk, and they must agree:

* **The walk.** A pipeline of small requests is split once on CRLF, in C. If every piece is exactly as long as the
  ``$n`` before it announces, pieces are arguments. One look-up per argument, no arithmetic on offsets; and where
  requests with as many arguments follow each other, one comparison for all their first arguments, one for the second.
  What came in one piece that is nothing but such requests does not even pass through the buffer.
* **The reading.** At the first thing the walk did not expect (a value not there yet, an inline line, an error, a
  surprising line end) the rest of what was received is read header by header, as Redis itself does.

The reading is written as generators that ``yield ()`` whenever they need bytes that have not arrived. They name how
many bytes they need, so a large value that comes in a thousand packets is joined once and looked at once.

What Redis does, and this file therefore does too: a line end is ``\\r`` and *any* byte after it; the two bytes after
a value are skipped unseen; a NUL hides the line end behind it, because Redis looks for line ends with ``strchr``.
Valkey 9 looks at them (``checks_crlf``).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Final, TypeAlias

from miniredis.resp.errors import ProtocolError, QueryBufferLimitError
from miniredis.resp.inline import split_arguments

_CRLF: Final = b"\r\n"
_ASTERISK: Final = ord("*")

_LONGEST_LINE: Final = 64 * 1024
"""PROTO_INLINE_MAX_SIZE: as many bytes may wait for their line end, be it an inline request or a length."""

_MOST_ARGUMENTS: Final = 2**31 - 1
_MOST_ARGUMENTS_UNAUTHENTICATED: Final = 10
_LONGEST_BULK_UNAUTHENTICATED: Final = 16384

_BULK_HEADERS: Final = [b"$%d" % length for length in range(1024)]
"""Indexed by length: the header that a short argument must have had before it."""

_header_of_length: Final = _BULK_HEADERS.__getitem__

_BULK_LENGTHS: Final = {header: length for length, header in enumerate(_BULK_HEADERS)}
_ARGUMENT_COUNTS: Final = {b"*%d" % count: count for count in range(1, 1025)}

_MOST_AT_ONCE: Final = 64
"""Requests that are compared, and taken, at once: enough to gain by it, and few enough to have looked at in vain."""

_WINDOW: Final = 1 << 16
"""Bytes that the walk splits at once: of a large value no more than these are split in vain."""

_LONG: Final = 1 << 15
"""An argument of so many bytes, of which a part is still to come, is put together with nothing else."""

_SAMPLE: Final = 1 << 10
"""So many bytes without a line end are part of a long value."""

_Requests: TypeAlias = Sequence[list[bytes]]

_Columns: TypeAlias = Sequence[list[bytes]]

_NOTHING: Final[tuple[bytes, list[bytes]]] = b"", []


class RequestParser:
    """Turns received bytes into requests, one ``argv`` (a non-empty ``list[bytes]``) at a time.

    ::

        parser.feed(data)
        for argv in parser:
            ...
            if blocked:
                break        # a later loop over the same parser goes on with the request after this one

    The loop ends when no whole request is left. It raises :class:`ProtocolError` in its turn, after the requests
    before it; from then on the parser ignores what it is fed. Requests are parsed as the loop asks for them, so a
    limit that a command changes (``AUTH``, ``CONFIG SET proto-max-bulk-len``) holds for the very next request.

    Who has no time to lose takes them as they lie together, :meth:`take`, and puts back what he does not execute.

    Attributes, changeable at any time:
        authenticated: False limits a request to 10 arguments of 16384 bytes, until the client has authenticated.
        proto_max_bulk_len: longest argument, in bytes. Redis accepts 1 MB or more.
        client_query_buffer_limit: most bytes that may wait here unprocessed. Redis accepts 1 MB or more.

    Attributes, to look at:
        awaited: bytes that the argument has of which a part is still to come; 0 if that is not known.
        arguments_size: bytes of the arguments before it.
    """

    def __init__(
        self,
        *,
        authenticated: bool = True,
        proto_max_bulk_len: int = 512 * 1024 * 1024,
        client_query_buffer_limit: int = 1024 * 1024 * 1024,
        max_arguments: int = _MOST_ARGUMENTS,
        checks_crlf: bool = False,
        quotes_join: bool = False,
    ) -> None:
        """Of another version than Redis 7, say:

        ``max_arguments``: 1024 * 1024 until Redis 6.2. ``checks_crlf``: refuse all other line ends, as Valkey 9.
        ``quotes_join``: in inline requests an argument goes on behind a closing quote, as in Valkey 9.
        """
        self.authenticated = authenticated
        self.proto_max_bulk_len = proto_max_bulk_len
        self.client_query_buffer_limit = client_query_buffer_limit
        self._max_arguments = max_arguments
        self._checks_crlf = checks_crlf
        self._quotes_join = quotes_join
        self._buffer = b""  # what is being parsed; what lies before _position is done with
        self._position = 0
        self._walk_is_due = False  # after a surprise the walk is tried on the next buffer only: it costs one split
        self._arrived: list[bytes | memoryview] = []  # what was fed since
        self._arrived_size = 0
        self._is_closed = False
        self._is_idle = True  # between two requests, with nothing received of the next
        self.awaited = 0
        self.arguments_size = 0
        self._returned: _Requests = ()
        self._taken = 0  # bytes of what was taken without passing through the buffer
        self._is_split = _NOTHING  # what was seen not to be a whole request, and its pieces: the walk can have them
        self._parsing = self._parse()
        next(self._parsing)

    def feed(self, data: bytes) -> None:
        """Add received bytes. Parses nothing.

        Raises:
            QueryBufferLimitError: more is waiting than ``client_query_buffer_limit`` allows; close without a reply.
        """
        if self._is_closed:
            return
        self._arrived.append(data)
        self._arrived_size += len(data)
        if self.buffered > self.client_query_buffer_limit:
            self.close()
            raise QueryBufferLimitError

    def whole_request(self, data: bytes) -> list[bytes] | None:
        """*data* as it was received, if it is exactly one request of short arguments and no other is on its way.

        The short way for a client that waits for each reply. If the answer is None, :meth:`feed` it, and :meth:`take`.
        """
        if not self._is_idle or self._arrived_size or not self.authenticated or len(data) > _WINDOW:
            return None
        pieces = data.split(_CRLF)
        count = _ARGUMENT_COUNTS.get(pieces[0])
        if count is None or len(pieces) != 2 * count + 2 or pieces[-1]:
            self._is_split = data, pieces
            return None
        argv = pieces[2::2]
        headers = _BULK_HEADERS
        try:
            if count == 2:
                if headers[len(argv[0])] == pieces[1] and headers[len(argv[1])] == pieces[3]:
                    return argv
            elif count == 3:
                if (
                    headers[len(argv[0])] == pieces[1]
                    and headers[len(argv[1])] == pieces[3]
                    and headers[len(argv[2])] == pieces[5]
                ):
                    return argv
            elif count == 4:
                if (
                    headers[len(argv[0])] == pieces[1]
                    and headers[len(argv[1])] == pieces[3]
                    and headers[len(argv[2])] == pieces[5]
                    and headers[len(argv[3])] == pieces[7]
                ):
                    return argv
            elif [*map(_header_of_length, map(len, argv))] == pieces[1:-1:2]:
                return argv
        except IndexError:
            pass  # a long argument
        return None

    @property
    def buffered(self) -> int:
        """How many bytes are held; those of a pipeline that is being walked count until its end."""
        return len(self._buffer) - self._position + self._arrived_size + self._taken

    def take(self) -> Sequence[list[bytes]]:
        """The next whole requests that lay together, about 64 at most; none if the next has not arrived.

        Raises:
            ProtocolError: once; afterwards there are none.
        """
        requests = self._returned
        if requests:
            self._returned = ()
            return requests
        self._taken = 0
        if self._is_idle:
            if not self._arrived_size:
                return ()
            columns = self._take_all()
            if columns:
                return rows(columns)
        return next(self._parsing, ())

    def take_columns(self) -> _Columns:
        """All that has arrived, if that is nothing but several requests of one command, with as many short arguments:
        their names, their first arguments, their second ones, … Otherwise nothing, and :meth:`take` them."""
        if not self._is_idle or not self._arrived_size:
            return ()
        return self._take_all(of_one_command=True)

    def _take_all(self, *, of_one_command: bool = False) -> _Columns:
        """All that has arrived, if it was split already and is nothing but requests of as many short arguments."""
        data, pieces = self._is_split
        if data is not self._arrived[0] or self._arrived_size > len(data):
            return ()
        count = _ARGUMENT_COUNTS.get(pieces[0])
        if count is None or pieces[-1]:
            return ()
        number, rest = divmod(len(pieces), 2 * count + 1)
        if rest != 1 or number > _MOST_AT_ONCE:
            return ()
        if of_one_command and pieces[2 :: 2 * count + 1].count(pieces[2]) < number:
            return ()
        columns = _plain_columns(pieces, 0, count, number)
        if not columns or len(columns[0]) != number:
            return ()
        self._is_split = _NOTHING
        self._taken = self._arrived_size
        self._arrived.clear()
        self._arrived_size = 0
        return columns

    def put_back(self, requests: Sequence[list[bytes]]) -> None:
        """Return the last of what :meth:`take` gave: they are the next."""
        if not requests:
            self._taken = 0
        elif not self._is_closed:
            self._returned = requests
            self._is_idle = False

    def next_request(self) -> list[bytes] | None:
        """The next whole request, or None if it has not arrived yet.

        Raises:
            ProtocolError: once; afterwards the answer is None.
        """
        requests = self.take()
        if not requests:
            return None
        self.put_back(requests[1:])
        return requests[0]

    def __iter__(self) -> Iterator[list[bytes]]:
        """The whole requests there are now; see the class. Leaving the loop loses none."""
        return iter(self.next_request, None)

    def close(self) -> None:
        """Drop everything held, and ignore what may still be fed. Call it when the connection ends."""
        self._parsing.close()
        self._drop()

    def _drop(self) -> None:
        self._is_closed = True
        self._is_idle = False
        self._buffer = b""
        self._position = self._arrived_size = self._taken = 0
        self.awaited = self.arguments_size = 0
        self._arrived.clear()
        self._returned = ()
        self._is_split = _NOTHING

    def _parse(self) -> Generator[_Requests, None, None]:
        """All requests, one or several at a time; none whenever the next one is not all there."""
        try:
            while True:
                if self._position == len(self._buffer):
                    self._is_idle = True
                    yield from self._await(1)
                    self._is_idle = False
                if self._buffer[self._position] != _ASTERISK:
                    argv = yield from self._read_inline()
                elif self._walk_is_due and self.authenticated and not self._is_long:
                    yield from self._walk()
                    continue
                else:
                    argv = yield from self._read_multibulk()
                if argv:
                    yield (argv,)
        except ProtocolError:
            self._drop()
            raise

    def _await(self, size: int) -> Generator[_Requests, None, None]:
        """Yield until ``size`` unread bytes have arrived, then have them all in one buffer."""
        if self._position < len(self._buffer):
            self._arrived.insert(0, self._buffer[self._position :])
            self._arrived_size += len(self._buffer) - self._position
        self._buffer = b""
        self._position = 0
        while self._arrived_size < size:
            yield ()
        self._buffer = b"".join(self._arrived)
        self._arrived.clear()
        self._arrived_size = 0
        self._walk_is_due = True

    def _await_long(self, length: int) -> Generator[_Requests, None, bytes]:
        """Yield until ``length`` bytes and a line end have arrived. Returns the former, which are put together once and
        never copied again; the buffer begins with the latter then."""
        arrived = self._arrived
        if self._position < len(self._buffer):
            rest: bytes | memoryview = memoryview(self._buffer)[self._position :]
            if len(rest) < len(self._buffer) // 2:  # not worth to hold all of it for
                rest = bytes(rest)
            arrived.insert(0, rest)
            self._arrived_size += len(rest)
        self._buffer = b""
        self._position = 0
        while self._arrived_size < length + 2:
            yield ()
        behind = self._arrived_size - length
        after: list[bytes | memoryview] = []
        while behind:
            last = arrived.pop()
            cut = max(len(last) - behind, 0)
            behind -= len(last) - cut
            after.insert(0, last[cut:])
            if cut:
                arrived.append(memoryview(last)[:cut])
        argument = b"".join(arrived)
        self._buffer = b"".join(after)
        arrived.clear()
        self._arrived_size = 0
        self._walk_is_due = True
        return argument

    @property
    def _is_long(self) -> bool:
        """Whether what is to be parsed begins with a value that looks too long to be walked over."""
        buffer, sample = self._buffer, self._position + _SAMPLE
        return len(buffer) - self._position > _WINDOW and buffer.find(_CRLF, sample, sample + _SAMPLE) < 0

    # The walk

    def _walk(self) -> Generator[_Requests, None, None]:
        """Whole, well-formed multibulks up to the first that is not, or does not end in what is looked at at once."""
        start = self._position
        data, pieces = self._is_split
        self._is_split = _NOTHING
        if data is not self._buffer or start:
            pieces = self._buffer[start : start + _WINDOW].split(_CRLF)
        end = len(pieces) - 1  # the last piece has no CRLF after it
        here = 0
        requests: list[list[bytes]] = []
        while here < end and self.authenticated:
            count = _ARGUMENT_COUNTS.get(pieces[here])
            if count is None:
                break
            if count > _MOST_ARGUMENTS_UNAUTHENTICATED and requests:
                yield requests  # one of them may change what is allowed
                requests = []
                continue
            plain = _plain_requests(pieces, here, count)
            if plain:
                here += len(plain) * (2 * count + 1)
                requests += plain
                if len(requests) >= _MOST_AT_ONCE:
                    yield requests
                    requests = []
                continue
            if requests:
                yield requests
                requests = []
                continue
            gathered = self._gather(pieces, here + 1, count)
            if gathered is None:
                break
            argv, here = gathered
            yield (argv,)
        if requests:
            yield requests
        stop = min(start + _WINDOW, len(self._buffer))
        self._position = stop - len(_CRLF.join(pieces[here:]))
        self._walk_is_due = stop < len(self._buffer) and self._position - start > _WINDOW // 2

    def _gather(self, pieces: list[bytes], here: int, count: int) -> tuple[list[bytes], int] | None:
        """The ``count`` arguments, long or with CRLF inside, from ``pieces[here]`` on, and the index behind them."""
        end = len(pieces) - 1
        argv = []
        for _ in range(count):
            if here + 1 >= end:
                return None
            length = _bulk_length(pieces[here])
            argument = pieces[here + 1]
            here += 2
            if len(argument) < length:
                argument, here = _rejoin(pieces, here - 1, length)
            if len(argument) != length or length > self.proto_max_bulk_len:
                return None
            argv.append(argument)
        return argv, here

    # The reading

    def _read_inline(self) -> Generator[_Requests, None, list[bytes]]:
        while (end := self._line_end(b"\n", b"too big inline request")) < 0:
            yield from self._await(len(self._buffer) - self._position + 1)
        line = self._buffer[self._position : end]
        self._position = end + 1
        argv = split_arguments(line.removesuffix(b"\r"), quotes_join=self._quotes_join)
        if argv is None:
            raise ProtocolError(b"Protocol error: unbalanced quotes in request")
        return argv

    def _read_multibulk(self) -> Generator[_Requests, None, list[bytes]]:
        while (header := self._header(b"*", b"too big mbulk count string")) is None:
            yield from self._await(len(self._buffer) - self._position + 1)
        count = self._checked_count(header)
        argv: list[bytes] = []
        while len(argv) < count:
            while (header := self._header(b"$", b"too big bulk count string")) is None:
                yield from self._await(len(self._buffer) - self._position + 1)
            length = self._checked_length(header)
            is_there = len(self._buffer) - self._position >= length + 2
            self.awaited = 0 if is_there else length
            if is_there or length < _LONG:
                if not is_there:
                    yield from self._await(length + 2)
                end = self._position + length
                argument = self._buffer[self._position : end]
                self._position = end
            else:
                argument = yield from self._await_long(length)
            self.awaited = 0
            argv.append(argument)
            self.arguments_size += length
            self._check_crlf(self._position)
            self._position += 2
        self.arguments_size = 0
        return argv

    def _checked_count(self, header: bytes) -> int:
        count = _parse_integer(header[1:])
        if count is None or count > self._max_arguments:
            raise ProtocolError(b"Protocol error: invalid multibulk length")
        if count > _MOST_ARGUMENTS_UNAUTHENTICATED and not self.authenticated:
            raise ProtocolError(b"Protocol error: unauthenticated multibulk length")
        return count

    def _checked_length(self, header: bytes) -> int:
        length = _bulk_length(header)
        if not 0 <= length <= self.proto_max_bulk_len:
            raise ProtocolError(b"Protocol error: invalid bulk length")
        if length > _LONGEST_BULK_UNAUTHENTICATED and not self.authenticated:
            raise ProtocolError(b"Protocol error: unauthenticated bulk length")
        return length

    def _header(self, sigil: bytes, too_long: bytes) -> bytes | None:
        """The ``*n`` or ``$n`` at hand, which is passed over with its line end; None if that has not arrived."""
        start = self._position
        end = self._line_end(b"\r", too_long)
        if not 0 <= end < len(self._buffer) - 1:
            return None
        header = self._buffer[start:end]
        if not header.startswith(sigil):
            got = header[:1].strip(b"\n") or b" "  # CR (of an empty line) and LF become a blank, as in every error
            raise ProtocolError(b"Protocol error: expected '$', got '%b'" % got)
        self._check_crlf(end)
        self._position = end + 2
        return header

    def _line_end(self, terminator: bytes, too_long: bytes) -> int:
        """Where the line at hand ends; -1 if its end has not arrived.

        Redis minds how long a line is only when it has not found its end, so that what it tolerates depends on how the
        bytes arrive. Here it is always what Redis answers to a client that sends byte by byte.
        """
        start = self._position
        end = self._buffer.find(terminator, start, start + _LONGEST_LINE + 1)
        if end >= 0 and not self._checks_crlf and self._buffer.find(b"\0", start, end) >= 0:
            end = -1
        if end < 0 and len(self._buffer) - start > _LONGEST_LINE:
            raise ProtocolError(b"Protocol error: %b" % too_long)
        return end

    def _check_crlf(self, end: int) -> None:
        if self._checks_crlf and self._buffer[end : end + 2] != _CRLF:
            raise ProtocolError(b"Protocol error: invalid CRLF in request")


def _plain_requests(pieces: list[bytes], here: int, count: int) -> list[list[bytes]]:
    """The requests of ``count`` short arguments that follow each other from ``pieces[here]`` on; none if there is none.

    A limit that one of them changes holds for the very next all the same: none of the limits is so low.
    """
    stride = 2 * count + 1
    following = here + stride
    if count > _MOST_ARGUMENTS_UNAUTHENTICATED or following >= len(pieces) or pieces[following] != pieces[here]:
        return _plain_request(pieces, here, following)
    alike = min((len(pieces) - 1 - here) // stride, _MOST_AT_ONCE)
    while alike:
        columns = _plain_columns(pieces, here, count, alike)
        if columns:
            return rows(columns)
        alike //= 2  # rarely: one of them is not plain, and those before it still are
    return []


def _plain_columns(pieces: list[bytes], here: int, count: int, number: int) -> list[list[bytes]]:
    """The names, first arguments, … of the requests of ``count`` short arguments among the ``number`` from
    ``pieces[here]`` on; none if the first one is followed by something else before one with another count."""
    stride = 2 * count + 1
    end = here + number * stride
    heads = pieces[here:end:stride]
    if heads.count(heads[0]) < number:
        number = next(at for at, head in enumerate(heads) if head != heads[0])
        end = here + number * stride
    columns = []
    try:
        for start in range(here + 1, here + stride, 2):
            headers, column = pieces[start:end:stride], pieces[start + 1 : end : stride]
            length = len(column[0])
            if headers.count(_BULK_HEADERS[length]) == number:  # mostly those of one column are as long
                if [*map(len, column)].count(length) < number:
                    return []
            elif [*map(_header_of_length, map(len, column))] != headers:
                return []
            columns.append(column)
    except IndexError:  # an argument is longer than the headers go
        return []
    return columns


def rows(columns: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
    """One request after the other, of what :meth:`RequestParser.take_columns` gave."""
    return [*map(list, zip(*columns, strict=True))]


def _plain_request(pieces: list[bytes], here: int, end: int) -> list[list[bytes]]:
    """The one request that is ``pieces[here:end]``, if it is whole and its arguments are short."""
    argv = pieces[here + 2 : end : 2]
    try:
        if end < len(pieces) and [*map(_header_of_length, map(len, argv))] == pieces[here + 1 : end : 2]:
            return [argv]
    except IndexError:
        pass
    return []


def _rejoin(pieces: list[bytes], here: int, length: int) -> tuple[bytes, int]:
    """Put together an argument of ``length`` bytes that holds CRLF itself; the index behind it.

    If no such argument stands there, what is returned has another length.
    """
    end = len(pieces) - 1
    start = here
    size = -len(_CRLF)
    while size < length and here < end:
        size += len(_CRLF) + len(pieces[here])
        here += 1
    return _CRLF.join(pieces[start:here]) if size == length else b"", here


def _bulk_length(header: bytes) -> int:
    """The length in a header such as ``$12``; negative if it is none."""
    length = _BULK_LENGTHS.get(header)
    if length is None:
        length = _parse_integer(header[1:]) if header.startswith(b"$") else None
    return -1 if length is None else length


def _parse_integer(digits: bytes) -> int | None:
    """As ``string2ll``: a 64-bit integer in its one canonical form, without ``+``, blanks or leading zeros."""
    if not digits or len(digits) > 20:
        return None
    try:
        value = int(digits)
    except ValueError:
        return None
    return value if b"%d" % value == digits and -(2**63) <= value < 2**63 else None
