"""CLIENT PAUSE and UNPAUSE, which hold commands back, and UNBLOCK, which ends another client's wait."""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.numbers import INT64_MAX


@command(
    "CLIENT|PAUSE timeout [WRITE | ALL]",
    arity=-3,
    summary="Suspends commands processing.",
    since="3.0.0",
    group="connection",
    complexity="O(1)",
    flags="admin noscript loading stale",
    categories="connection",
    history=[
        ("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option."),
    ],
    names=["mode"],
    details={"mode": "since=6.2.0"},
)
def client_pause(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    _refuse_more_than_four(client, argv)
    mode = argv[3].lower() if len(argv) == 4 else b"all"
    if mode not in (b"write", b"all"):
        raise Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
    timeout = integer(argv[2], "ERR timeout is not an integer or out of range")
    if timeout < 0:
        raise Error("ERR timeout is negative")
    until = engine.now + timeout
    if until > INT64_MAX:
        if engine.version.redis >= (7, 2):
            raise Error("ERR timeout is out of range")
        until = 0  # where the sum overflows, the pause is over before it begins
    engine.pause.begin(until, writes_only=mode == b"write")
    return OK


@command(
    "CLIENT|UNPAUSE",
    arity=2,
    summary="Resumes processing commands from paused clients.",
    since="6.2.0",
    group="connection",
    complexity="O(N) Where N is the number of paused clients",
    flags="admin noscript loading stale",
    categories="connection",
)
def client_unpause(client: Session, argv: list[bytes]) -> Reply:
    client.engine.pause.end()
    return OK


@command(
    "CLIENT|UNBLOCK client-id [TIMEOUT | ERROR]",
    arity=-3,
    summary="Unblocks a client blocked by a blocking command from a different connection.",
    since="5.0.0",
    group="connection",
    complexity="O(log N) where N is the number of client connections",
    flags="admin noscript loading stale",
    categories="connection",
    names=["unblock-type"],
)
def client_unblock(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    _refuse_more_than_four(client, argv)
    reason = argv[3].lower() if len(argv) == 4 else b"timeout"
    if reason not in (b"timeout", b"error"):
        raise Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    target = engine.sessions.get(integer(argv[2]))
    if target is None:
        return 0
    fails = reason == b"error"
    unblocked = engine.blocked_clients.unblock(target, error=fails)
    if unblocked and fails:
        engine.count_failure(argv)
    return int(unblocked)


def _refuse_more_than_four(client: Session, argv: list[bytes]) -> None:
    """Valkey takes more arguments, and then looks at none after the first."""
    if len(argv) > 4 and not client.engine.version.is_valkey:
        raise errors.subcommand_syntax(argv)
