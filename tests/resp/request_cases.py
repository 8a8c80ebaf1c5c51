"""Bytes that a client may send, and what Redis 7.0.15 makes of them, as it was observed.

One case is what is sent, the requests Redis executed, and its protocol error (None: it goes on listening).
"""

from __future__ import annotations

PING = b"*1\r\n$4\r\nPING\r\n"
ONE_PING = [b"PING"]

Case = tuple[bytes, list[list[bytes]], bytes | None]

MULTIBULK: list[Case] = [
    (PING, [ONE_PING], None),
    (PING + PING, [ONE_PING, ONE_PING], None),
    (b"*2\r\n$4\r\nECHO\r\n$3\r\n\x00\r\n\r\n", [[b"ECHO", b"\x00\r\n"]], None),
    (b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n" + PING, [[b"ECHO", b""], ONE_PING], None),
    (b"*1\r\n$0\r\n\r\n" + PING, [[b""], ONE_PING], None),
    # Nothing to do is no error.
    (b"*0\r\n" + PING, [ONE_PING], None),
    (b"*-1\r\n" + PING, [ONE_PING], None),
    (b"*-5\r\n" + PING, [ONE_PING], None),
    (b"*-9223372036854775808\r\n" + PING, [ONE_PING], None),
    (b"*0\r\n\r\n" + PING, [ONE_PING], None),
    # The number of arguments.
    (b"*\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*a\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"**\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*+1\r\n$4\r\nPING\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"* 1\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*1 \r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*01\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*-0\r\n" + PING, [], b"Protocol error: invalid multibulk length"),
    (b"*1_0\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*1\n$4\r\nPING\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*1\n\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*0\n" + PING, [], b"Protocol error: invalid multibulk length"),
    (b"*2147483648\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*99999999999999999999\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*-9223372036854775809\r\n" + PING, [], b"Protocol error: invalid multibulk length"),
    (b"*1048577\r\n:", [], None),
    (b"*2147483647\r\n:1\r\n", [], b"Protocol error: expected '$', got ':'"),
    # What should be the length of an argument.
    (b"*3\r\n:1\r\n", [], b"Protocol error: expected '$', got ':'"),
    (b"*1\r\n*1\r\n$4\r\nPING\r\n", [], b"Protocol error: expected '$', got '*'"),
    (b"*1\r\n'\r\n", [], b"Protocol error: expected '$', got '''"),
    (b"*1\r\n\xff\r\n", [], b"Protocol error: expected '$', got '\xff'"),
    (b"*3\r\n\r\n", [], b"Protocol error: expected '$', got ' '"),
    (b"*1\r\n\n\r\n", [], b"Protocol error: expected '$', got ' '"),
    (b"*1\r\n\nx\r\n", [], b"Protocol error: expected '$', got ' '"),
    # The length of an argument.
    (b"*1\r\n$\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*1\r\n$-1\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*1\r\n$-0\r\n\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*1\r\n$+5\r\nabcde\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*1\r\n$04\r\nPING\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*1\r\n$4\nPING\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*1\r\n$536870912\r\n", [], None),
    (b"*1\r\n$536870913\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*1\r\n$9223372036854775808\r\n", [], b"Protocol error: invalid bulk length"),
    # The good before the bad is done; what follows is not looked at.
    (PING + PING + b"*1\r\n:\r\n" + PING, [ONE_PING, ONE_PING], b"Protocol error: expected '$', got ':'"),
    (PING + b"*2\r\n$4\r\nECHO\r\n$x\r\n" + PING, [ONE_PING], b"Protocol error: invalid bulk length"),
    # Not there yet.
    (PING + b"*", [ONE_PING], None),
    (PING + b"*1\r\n$4\r\nPING\r", [ONE_PING], None),
    (PING + b"*1\r\n:", [ONE_PING], None),
]

LAX_LINE_ENDS: list[Case] = [
    (b"*1\r\n$4\r\nPINGxx" + PING, [ONE_PING, ONE_PING], None),
    (b"*1\rX$4\rYPINGzz", [ONE_PING], None),
    (b"*1\r\r$4\r\rPING\r\r" + PING, [ONE_PING, ONE_PING], None),
    (b"*a\rX", [], b"Protocol error: invalid multibulk length"),
    (b"*1\r\n$a\rX", [], b"Protocol error: invalid bulk length"),
    (b"*1\rX", [], None),
    # A NUL hides the line end behind it.
    (b"*1\x00\r\n" + PING, [], None),
    (b"*1\r\n$4\x00\r\n", [], None),
    (b"*3\r\n\x00\r\n", [], None),
    (b"*\x00" + PING, [], None),
]

INLINE: list[Case] = [
    (b"PING\r\n", [ONE_PING], None),
    (b"PING\n" + PING, [ONE_PING, ONE_PING], None),
    (b"PING\r\nPING\n" + PING, [ONE_PING, ONE_PING, ONE_PING], None),
    (b"PING\r\r\n", [ONE_PING], None),
    (b"\rPING\r\n", [ONE_PING], None),
    (b"\v\fPING \v\r\n", [ONE_PING], None),
    (b"ECHO \xff\xfe\r\n", [[b"ECHO", b"\xff\xfe"]], None),
    (b"ECHO a\rb\r\n", [[b"ECHO", b"a", b"b"]], None),
    (b"ECHO a\vb\r\n", [[b"ECHO", b"a\vb"]], None),
    # An empty line is no request.
    (b"\r\n" + PING, [ONE_PING], None),
    (b"\n" + PING, [ONE_PING], None),
    (b"\r\r\n" + PING, [ONE_PING], None),
    (b"   \r\n" + PING, [ONE_PING], None),
    (b"\t\n" + PING, [ONE_PING], None),
    # Only \n ends a line.
    (b"PING\r" + PING, [[b"PING", b"*1"], [b"$4"], ONE_PING], None),
    (b"PING\r", [], None),
    # What is not a multibulk is a line, whatever it looks like.
    (b"$4\r\nPING\r\n", [[b"$4"], ONE_PING], None),
    (b"+PING\r\n", [[b"+PING"]], None),
    # A NUL hides the line end behind it.
    (b"PI\x00NG\r\n" + PING, [], None),
    (b"\x00\r\n" + PING, [], None),
]

QUOTED: list[Case] = [
    (b'ECHO ""\r\n', [[b"ECHO", b""]], None),
    (b"ECHO ''\r\n", [[b"ECHO", b""]], None),
    (b'""\r\n' + PING, [[b""], ONE_PING], None),
    (b'"" x\r\n', [[b"", b"x"]], None),
    (b'ECHO "a b"\r\n', [[b"ECHO", b"a b"]], None),
    (b'ECHO a"b"\r\n', [[b"ECHO", b"ab"]], None),
    (b"ECHO a'b'\r\n", [[b"ECHO", b"ab"]], None),
    (b'ECHO "a\'b"\r\n', [[b"ECHO", b"a'b"]], None),
    (b'ECHO "a"\v\r\n', [[b"ECHO", b"a"]], None),
    (
        b'ECHO "\\x41\\n\\r\\t\\b\\a\\"\\\\\\q\\xZZ\\x4"\r\n',
        [[b"ECHO", b'A\n\r\t\b\a"\\qxZZx4']],
        None,
    ),
    (b'ECHO "\\x00"\r\n', [[b"ECHO", b"\x00"]], None),
    (b"ECHO \\x41\r\n", [[b"ECHO", b"\\x41"]], None),
    (b"ECHO '\\'a\\n\\\\'\r\n", [], b"Protocol error: unbalanced quotes in request"),
    (b"ECHO '\\'a\\n'\r\n", [[b"ECHO", b"'a\\n"]], None),
    (b"ECHO 'a\\'\r\n", [], b"Protocol error: unbalanced quotes in request"),
    (b'ECHO "abc\r\n' + PING, [], b"Protocol error: unbalanced quotes in request"),
    (b"ECHO 'abc\r\n", [], b"Protocol error: unbalanced quotes in request"),
    (b'ECHO "a\\\r\n', [], b"Protocol error: unbalanced quotes in request"),
    (b'ECHO a"b"c\r\n', [], b"Protocol error: unbalanced quotes in request"),
    (b"ECHO 'a'b\r\n", [], b"Protocol error: unbalanced quotes in request"),
    (b'ECHO "a""b"\r\n', [], b"Protocol error: unbalanced quotes in request"),
    (PING + b'ECHO "\n' + PING, [ONE_PING], b"Protocol error: unbalanced quotes in request"),
]

LONG_LINES: list[Case] = [
    (b"a" * 65536, [], None),
    (b"a" * 65537, [], b"Protocol error: too big inline request"),
    (b"a\x00" + b"b" * 65536, [], b"Protocol error: too big inline request"),
    (b"*" + b"1" * 65535, [], None),
    (b"*" + b"1" * 65536, [], b"Protocol error: too big mbulk count string"),
    (b"*1\r\n$" + b"1" * 65535, [], None),
    (b"*1\r\n$" + b"1" * 65536, [], b"Protocol error: too big bulk count string"),
    (b"*1\r\n" + b"x" * 65537, [], b"Protocol error: too big bulk count string"),
]

VALKEY_LINE_ENDS: list[Case] = [
    (b"*1\r\n$4\r\nPINGxx" + PING, [], b"Protocol error: invalid CRLF in request"),
    (b"*1\rX", [], b"Protocol error: invalid CRLF in request"),
    (b"*a\rX", [], b"Protocol error: invalid CRLF in request"),
    (b"*1\r\n$3\rX", [], b"Protocol error: invalid CRLF in request"),
    (b"*1\r\n$a\rX", [], b"Protocol error: invalid CRLF in request"),
    (b"*1\r\n:3\rX", [], b"Protocol error: expected '$', got ':'"),
    (b"*1\r\n$3\r\nabc\rX", [], b"Protocol error: invalid CRLF in request"),
    (b"*1\r\n$3\r\nabcX", [], None),
    (b"*1\r\n$3\r\nabc\r", [], None),
    (b"*1\x00\r\n", [], b"Protocol error: invalid multibulk length"),
    (b"*1\r\n$4\x00\r\n", [], b"Protocol error: invalid bulk length"),
    (b"*3\r\n\x00\r\n", [], b"Protocol error: expected '$', got '\x00'"),
]
"""Valkey 9.1 checks what Redis skips."""
